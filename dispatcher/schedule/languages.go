package schedule

import (
	"fmt"
	"strings"

	"golang.org/x/text/language"
)

func grammarOf(lang string) *grammar {
	switch primaryLanguage(lang) {
	case "ar":
		return arabic()
	case "de":
		return german()
	case "es":
		return spanish()
	case "fr":
		return french()
	case "uk":
		return ukrainian()
	}
	return english()
}

func english() *grammar {
	return &grammar{
		tag:      language.English,
		quoted:   `on the schedule "%s"`,
		times:    "at %s",
		fromTo:   " from %s to %s",
		past:     forms{"one": ", %d minute past the hour", "other": ", %d minutes past the hour"},
		hours:    unit{"every hour", forms{"other": "every %d hours"}},
		minutes:  unit{"every minute", forms{"other": "every %d minutes"}},
		seconds:  unit{"every second", forms{"other": "every %d seconds"}},
		and:      " and ",
		daily:    "every day",
		week:     [7]string{"Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"},
		onDays:   "on %s",
		workdays: "on weekdays",
		weekends: "at weekends",
		ofMonth:  "on the %s of every month",
		ofYear:   "every year on %s",
		date:     "%[1]s %[2]s",
		ordinal:  englishOrdinal,
		dayInDate: func(day int) string {
			return fmt.Sprint(day)
		},
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August",
			"September", "October", "November", "December"},
		daysLast: true,
	}
}

func german() *grammar {
	ordinal := func(day int) string { return fmt.Sprintf("%d.", day) }
	return &grammar{
		tag:       language.German,
		quoted:    `nach dem Plan „%s“`,
		times:     "um %s Uhr",
		fromTo:    " von %s bis %s Uhr",
		past:      forms{"one": ", %d Minute nach der vollen Stunde", "other": ", %d Minuten nach der vollen Stunde"},
		hours:     unit{"stündlich", forms{"other": "alle %d Stunden"}},
		minutes:   unit{"jede Minute", forms{"other": "alle %d Minuten"}},
		seconds:   unit{"jede Sekunde", forms{"other": "alle %d Sekunden"}},
		and:       " und ",
		daily:     "täglich",
		week:      [7]string{"sonntags", "montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags"},
		onDays:    "%s",
		workdays:  "montags bis freitags",
		weekends:  "samstags und sonntags",
		ofMonth:   "am %s jedes Monats",
		ofYear:    "jedes Jahr am %s",
		date:      "%[1]s %[2]s",
		ordinal:   ordinal,
		dayInDate: ordinal,
		months: [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
			"September", "Oktober", "November", "Dezember"},
	}
}

func englishOrdinal(day int) string {
	suffix := "th"
	if day/10 != 1 {
		switch day % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", day, suffix)
}

func french() *grammar {
	day := func(day int) string {
		if day == 1 {
			return "1er"
		}
		return fmt.Sprint(day)
	}
	return &grammar{
		tag:       language.French,
		quoted:    "selon le calendrier «\u00a0%s\u00a0»",
		times:     "à %s",
		fromTo:    " de %s à %s",
		past:      forms{"one": ", %d minute après l’heure", "other": ", %d minutes après l’heure"},
		hours:     unit{"toutes les heures", forms{"other": "toutes les %d heures"}},
		minutes:   unit{"toutes les minutes", forms{"other": "toutes les %d minutes"}},
		seconds:   unit{"toutes les secondes", forms{"other": "toutes les %d secondes"}},
		and:       " et ",
		daily:     "tous les jours",
		week:      [7]string{"dimanches", "lundis", "mardis", "mercredis", "jeudis", "vendredis", "samedis"},
		onDays:    "les %s",
		workdays:  "du lundi au vendredi",
		weekends:  "le week-end",
		ofMonth:   "%s de chaque mois",
		ofYear:    "chaque année %s",
		date:      "le %[1]s %[2]s",
		ordinal:   func(n int) string { return "le " + day(n) },
		dayInDate: day,
		months: [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
			"septembre", "octobre", "novembre", "décembre"},
		daysLast: true,
	}
}

func spanish() *grammar {
	return &grammar{
		tag:       language.Spanish,
		quoted:    "según el calendario «%s»",
		times:     "a las %s",
		fromTo:    " de %s a %s",
		past:      forms{"other": ", en el minuto %d"},
		hours:     unit{"cada hora", forms{"other": "cada %d horas"}},
		minutes:   unit{"cada minuto", forms{"other": "cada %d minutos"}},
		seconds:   unit{"cada segundo", forms{"other": "cada %d segundos"}},
		and:       " y ",
		daily:     "todos los días",
		week:      [7]string{"domingos", "lunes", "martes", "miércoles", "jueves", "viernes", "sábados"},
		onDays:    "los %s",
		workdays:  "de lunes a viernes",
		weekends:  "los fines de semana",
		ofMonth:   "%s de cada mes",
		ofYear:    "cada año %s",
		date:      "el %[1]s de %[2]s",
		ordinal:   func(day int) string { return fmt.Sprintf("el %d", day) },
		dayInDate: func(day int) string { return fmt.Sprint(day) },
		months: [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
			"septiembre", "octubre", "noviembre", "diciembre"},
		daysLast: true,
	}
}

func ukrainian() *grammar {
	return &grammar{
		tag:       language.Ukrainian,
		quoted:    "за розкладом «%s»",
		times:     "о %s",
		fromTo:    " з %s до %s",
		past:      forms{"other": " о %d-й хвилині"},
		hours:     unit{"щогодини", forms{"one": "кожну %d годину", "few": "кожні %d години", "other": "кожні %d годин"}},
		minutes:   unit{"щохвилини", forms{"one": "кожну %d хвилину", "few": "кожні %d хвилини", "other": "кожні %d хвилин"}},
		seconds:   unit{"щосекунди", forms{"one": "кожну %d секунду", "few": "кожні %d секунди", "other": "кожні %d секунд"}},
		and:       " і ",
		daily:     "щодня",
		week:      [7]string{"щонеділі", "щопонеділка", "щовівторка", "щосереди", "щочетверга", "щоп’ятниці", "щосуботи"},
		onDays:    "%s",
		workdays:  "у будні",
		weekends:  "у вихідні",
		ofMonth:   "%s числа кожного місяця",
		ofYear:    "щороку %s",
		date:      "%[1]s %[2]s",
		ordinal:   func(day int) string { return fmt.Sprintf("%d-го", day) },
		dayInDate: func(day int) string { return fmt.Sprint(day) },
		months: [12]string{"січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня",
			"вересня", "жовтня", "листопада", "грудня"},
		daysLast: true,
		// Before a vowel (одинадцята) the preposition has a consonant.
		euphony: func(words string) string { return strings.ReplaceAll(words, "о 11", "об 11") },
	}
}

func arabic() *grammar {
	number := func(day int) string { return fmt.Sprint(day) }
	return &grammar{
		tag:       language.Arabic,
		quoted:    "حسب الجدول «%s»",
		times:     "الساعة %s",
		fromTo:    " من %s إلى %s",
		past:      forms{"other": " عند الدقيقة %d"},
		hours:     unit{"كل ساعة", forms{"two": "كل ساعتين", "few": "كل %d ساعات", "other": "كل %d ساعة"}},
		minutes:   unit{"كل دقيقة", forms{"two": "كل دقيقتين", "few": "كل %d دقائق", "other": "كل %d دقيقة"}},
		seconds:   unit{"كل ثانية", forms{"two": "كل ثانيتين", "few": "كل %d ثوانٍ", "other": "كل %d ثانية"}},
		comma:     " و",
		and:       " و",
		daily:     "كل يوم",
		week:      [7]string{"الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"},
		onDays:    "أيام %s",
		workdays:  "من الاثنين إلى الجمعة",
		weekends:  "يومي السبت والأحد",
		ofMonth:   "في اليوم %s من كل شهر",
		ofYear:    "كل سنة في %s",
		date:      "%[1]s %[2]s",
		ordinal:   number,
		dayInDate: number,
		months: [12]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس",
			"سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"},
		daysLast: true,
	}
}
