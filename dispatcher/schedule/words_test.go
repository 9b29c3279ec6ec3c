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
		"en-GB": "every day at 08:00", "": "every day at 08:00", "fr-CA": "tous les jours à 08:00", "it": "every day at 08:00", "den": "every day at 08:00",
	} {
		if got := spec.Words(lang); got != want {
			t.Errorf("%q: %q, want %q", lang, got, want)
		}
	}
}

func TestWordsTellTheCadenceInOtherLanguages(t *testing.T) {
	for _, c := range []struct{ spec, french, spanish, ukrainian, arabic string }{
		{"0 8 * * *", "tous les jours à 08:00", "todos los días a las 08:00", "щодня о 08:00", "كل يوم الساعة 08:00"},
		{"0 11,17 * * *", "tous les jours à 11:00 et 17:00", "todos los días a las 11:00 y 17:00", "щодня об 11:00 і 17:00", "كل يوم الساعة 11:00 و17:00"},
		{"30 7 * * 1-5", "du lundi au vendredi à 07:30", "de lunes a viernes a las 07:30", "у будні о 07:30", "من الاثنين إلى الجمعة الساعة 07:30"},
		{"0 10 * * 6,7", "le week-end à 10:00", "los fines de semana a las 10:00", "у вихідні о 10:00", "يومي السبت والأحد الساعة 10:00"},
		{"0 9 * * 1", "les lundis à 09:00", "los lunes a las 09:00", "щопонеділка о 09:00", "أيام الاثنين الساعة 09:00"},
		{"0 9 * * 7,1,4", "les lundis, jeudis et dimanches à 09:00", "los lunes, jueves y domingos a las 09:00", "щопонеділка, щочетверга і щонеділі о 09:00", "أيام الاثنين والخميس والأحد الساعة 09:00"},
		{"@hourly", "toutes les heures", "cada hora", "щогодини", "كل ساعة"},
		{"0 */2 * * *", "toutes les 2 heures", "cada 2 horas", "кожні 2 години", "كل ساعتين"},
		{"0 */6 * * 1-5", "toutes les 6 heures du lundi au vendredi", "cada 6 horas de lunes a viernes", "кожні 6 годин у будні", "كل 6 ساعات من الاثنين إلى الجمعة"},
		{"@every 21m", "toutes les 21 minutes", "cada 21 minutos", "кожну 21 хвилину", "كل 21 دقيقة"},
		{"*/10 * * * *", "toutes les 10 minutes", "cada 10 minutos", "кожні 10 хвилин", "كل 10 دقائق"},
		{"*/15 8-18 * * *", "toutes les 15 minutes de 08:00 à 18:45", "cada 15 minutos de 08:00 a 18:45", "кожні 15 хвилин з 08:00 до 18:45", "كل 15 دقيقة من 08:00 إلى 18:45"},
		{"5 * * * *", "toutes les heures, 5 minutes après l’heure", "cada hora, en el minuto 5", "щогодини о 5-й хвилині", "كل ساعة عند الدقيقة 5"},
		{"@monthly", "le 1er de chaque mois à 00:00", "el 1 de cada mes a las 00:00", "1-го числа кожного місяця о 00:00", "في اليوم 1 من كل شهر الساعة 00:00"},
		{"0 8 2,11,23 * *", "le 2, le 11 et le 23 de chaque mois à 08:00", "el 2, el 11 y el 23 de cada mes a las 08:00", "2-го, 11-го і 23-го числа кожного місяця о 08:00", "في اليوم 2 و11 و23 من كل شهر الساعة 08:00"},
		{"0 8 1 3,9 *", "chaque année le 1er mars et le 1er septembre à 08:00", "cada año el 1 de marzo y el 1 de septiembre a las 08:00", "щороку 1 березня і 1 вересня о 08:00", "كل سنة في 1 مارس و1 سبتمبر الساعة 08:00"},
		{"5 4 1-7 * 1", "selon le calendrier «\u00a05 4 1-7 * 1\u00a0»", "según el calendario «5 4 1-7 * 1»", "за розкладом «5 4 1-7 * 1»", "حسب الجدول «5 4 1-7 * 1»"},
	} {
		spec := mustParse(t, c.spec)
		for lang, want := range map[string]string{"fr": c.french, "es": c.spanish, "uk": c.ukrainian, "ar": c.arabic} {
			if got := spec.Words(lang); got != want {
				t.Errorf("%q in %s: %q, want %q", c.spec, lang, got, want)
			}
		}
	}
}
