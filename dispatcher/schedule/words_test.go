package schedule_test

import "testing"

func TestWordsTellTheCadence(t *testing.T) {
	for _, c := range []struct{ spec, english, german string }{
		{"0 8 * * *", "every day at 08:00", "täglich um 08:00 Uhr"},
		{"@daily", "every day at 00:00", "täglich um 00:00 Uhr"},
		{"0 8,17 * * *", "every day at 08:00 and 17:00", "täglich um 08:00 und 17:00 Uhr"},
		{"0 8 * * 0-7", "every day at 08:00", "täglich um 08:00 Uhr"},
		{"30 7 * * 1-5", "on weekdays at 07:30", "montags bis freitags um 07:30 Uhr"},
		{"30 7 * * mon,tue,wed,thu,fri", "on weekdays at 07:30", "montags bis freitags um 07:30 Uhr"},
		{"0 10 * * 6,7", "at weekends at 10:00", "samstags und sonntags um 10:00 Uhr"},
		{"0 9 * * 1", "on Mondays at 09:00", "montags um 09:00 Uhr"},
		{"@weekly", "on Sundays at 00:00", "sonntags um 00:00 Uhr"},
		{"0 9 * * 7,1,4", "on Mondays, Thursdays and Sundays at 09:00", "montags, donnerstags und sonntags um 09:00 Uhr"},
		{"* * * * *", "every minute", "jede Minute"},
		{"*/15 * * * *", "every 15 minutes", "alle 15 Minuten"},
		{"0,30 * * * *", "every 30 minutes", "alle 30 Minuten"},
		{"@hourly", "every hour", "stündlich"},
		{"5 * * * *", "every hour, 5 minutes past the hour", "stündlich, 5 Minuten nach der vollen Stunde"},
		{"1 * * * *", "every hour, 1 minute past the hour", "stündlich, 1 Minute nach der vollen Stunde"},
		{"0 */2 * * *", "every 2 hours", "alle 2 Stunden"},
		{"0 */6 * * 1-5", "every 6 hours on weekdays", "montags bis freitags alle 6 Stunden"},
		{"0 8-18 * * *", "every hour from 08:00 to 18:00", "stündlich von 08:00 bis 18:00 Uhr"},
		{"*/15 8-18 * * 1-5", "every 15 minutes from 08:00 to 18:45 on weekdays", "montags bis freitags alle 15 Minuten von 08:00 bis 18:45 Uhr"},
		{"20 8-18 * * *", "every hour from 08:20 to 18:20", "stündlich von 08:20 bis 18:20 Uhr"},
		{"@every 1m", "every minute", "jede Minute"},
		{"@every 90m", "every 90 minutes", "alle 90 Minuten"},
		{"@every 1h", "every hour", "stündlich"},
		{"@every 48h", "every 48 hours", "alle 48 Stunden"},
		{"@every 61s", "every 61 seconds", "alle 61 Sekunden"},
		{"@monthly", "on the 1st of every month at 00:00", "am 1. jedes Monats um 00:00 Uhr"},
		{"0 8 2,11,23 * *", "on the 2nd, 11th and 23rd of every month at 08:00", "am 2., 11. und 23. jedes Monats um 08:00 Uhr"},
		{"@yearly", "every year on 1 January at 00:00", "jedes Jahr am 1. Januar um 00:00 Uhr"},
		{"0 8 1 3,9 *", "every year on 1 March and 1 September at 08:00", "jedes Jahr am 1. März und 1. September um 08:00 Uhr"},
		{"5 4 1-7 * 1", `on the schedule "5 4 1-7 * 1"`, "nach dem Plan „5 4 1-7 * 1“"},
		{"0 8 * 6-8 *", `on the schedule "0 8 * 6-8 *"`, "nach dem Plan „0 8 * 6-8 *“"},
		{"3,9 * * * *", `on the schedule "3,9 * * * *"`, "nach dem Plan „3,9 * * * *“"},
		{"0 1,3,5,7,9 * * *", `on the schedule "0 1,3,5,7,9 * * *"`, "nach dem Plan „0 1,3,5,7,9 * * *“"},
		{"*/7 * * * *", `on the schedule "*/7 * * * *"`, "nach dem Plan „*/7 * * * *“"},
		{"0 8-18/2 * * *", `on the schedule "0 8-18/2 * * *"`, "nach dem Plan „0 8-18/2 * * *“"},
	} {
		spec := mustParse(t, c.spec)
		if got := spec.Words("en"); got != c.english {
			t.Errorf("%q in English: %q, want %q", c.spec, got, c.english)
		}
		if got := spec.Words("de"); got != c.german {
			t.Errorf("%q in German: %q, want %q", c.spec, got, c.german)
		}
	}
}

func TestWordsChooseTheLanguageByItsPrimaryTag(t *testing.T) {
	spec := mustParse(t, "0 8 * * *")
	for lang, want := range map[string]string{
		"de-AT": "täglich um 08:00 Uhr", "de_DE.UTF-8": "täglich um 08:00 Uhr", "DE": "täglich um 08:00 Uhr",
		"en-GB": "every day at 08:00", "": "every day at 08:00", "fr": "every day at 08:00", "den": "every day at 08:00",
	} {
		if got := spec.Words(lang); got != want {
			t.Errorf("%q: %q, want %q", lang, got, want)
		}
	}
}
