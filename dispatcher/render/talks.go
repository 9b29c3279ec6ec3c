package render

import (
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// said is one sample comment.
type said struct {
	author, html string
	parent       int // index of what it answers, -1 at the top
	reason       dispatcher.Reason
}

// talk is one sample conversation.
type talk struct {
	title, url string
	said       []said
}

func talksIn(locale string) []talk {
	switch lang, _, _ := strings.Cut(strings.ToLower(locale), "-"); lang {
	case "ar":
		return arabicTalks()
	case "de":
		return germanTalks()
	case "es":
		return spanishTalks()
	case "fr":
		return frenchTalks()
	case "uk":
		return ukrainianTalks()
	}
	if direction(locale) == "rtl" {
		return hebrewTalks()
	}
	return englishTalks()
}

// sampleWords are what the sender of a sample says in the reader's language.
type sampleWords struct {
	site, schedule, digest, reply, what string
}

func sampleWordsIn(locale string) sampleWords {
	switch lang, _, _ := strings.Cut(strings.ToLower(locale), "-"); lang {
	case "ar":
		return sampleWords{"الورشة الصغيرة", "كل يوم الساعة 08:00", "ملخّص الورشة الصغيرة اليومي", "رسائل هذا النقاش", "التعليقات الجديدة على «كيف أشحذ الأزاميل»"}
	case "de":
		return sampleWords{"Kleine Werkbank", "jeden Morgen um 8 Uhr", "die tägliche Übersicht von Kleine Werkbank", "die Mails zu diesem Gespräch", "„Wie ich Stecheisen schärfe“"}
	case "es":
		return sampleWords{"El pequeño taller", "todos los días a las 08:00", "el resumen diario de El pequeño taller", "los correos sobre esta conversación", "los comentarios nuevos en «Cómo afilo los formones»"}
	case "fr":
		return sampleWords{"Le petit atelier", "tous les jours à 08:00", "le récapitulatif quotidien du Petit atelier", "les messages sur cette conversation", "les nouveaux commentaires sur «\u00a0Comment j’affûte mes ciseaux\u00a0»"}
	case "uk":
		return sampleWords{"Мала майстерня", "щодня о 08:00", "щоденну добірку «Малої майстерні»", "листи про це обговорення", "нові коментарі до «Як я гострю стамески»"}
	}
	return sampleWords{"The Small Workshop", "every morning at 08:00", "the daily digest of The Small Workshop", "mails about this conversation", "“How I sharpen chisels”"}
}

func englishTalks() []talk {
	const reply, subtree, thread, author = dispatcher.ReasonReply, dispatcher.ReasonSubtree, dispatcher.ReasonThread, dispatcher.ReasonAuthor
	return []talk{
		{"How I sharpen chisels without a machine", "https://workshop.example/posts/sharpening", []said{
			{"Jana", "<p>I never get the back of the iron flat. After an hour on the 400 stone there is still a hollow in the middle. Do I need a coarser stone, or more patience?</p>", -1, 0},
			{"Patrick Lindqvist", "<p>A coarser stone, definitely. I start at 220 and only go on when the scratches reach all the way to the edge. It took me <em>twenty minutes</em> for the last one.</p><p>And check the stone itself: mine was hollow, so everything I flattened on it became round. There is a good test with a pencil grid <a href=\"https://woodjournal.example/flat-stones\">over here</a>.</p>", 0, reply},
			{"Maren K.", "<p>What Patrick says about the stone. I would add: you only need the first centimetre flat, not the whole back.</p>", 1, subtree},
			{"T. Okafor", "<blockquote><p>you only need the first centimetre flat</p></blockquote><p>This saved me years. Three things that I keep on a card above the bench:</p><ul><li>flatten the stone before every session</li><li>press on the edge, not on the handle</li><li>stop when it catches a fingernail</li></ul>", 2, thread},
		}},
		{"A bench for a very small flat", "https://workshop.example/posts/small-bench", []said{
			{"Ines", "<p>The folding one at the window looks right for us. How much does it wobble when you plane?</p>", -1, 0},
			{"Hannes Vogt", "<p>Hardly at all, as long as the legs stand against the wall. I screwed a batten to the floor, <b>behind</b> the rear legs, and since then nothing moves.</p><p>Drawing: <code>bench-batten.pdf</code> in the download area.</p>", 0, author},
			{"Ines", "<p>A batten! So simple. Thank you.</p>", 1, thread},
		}},
		{"Which glue for end grain?", "https://workshop.example/posts/end-grain", []said{
			{"Rosa Delgado", "<p>I sized the end grain with thinned glue, waited ten minutes and glued as usual. The joint held when I stood on it (62 kg, for the record).</p>", -1, thread},
			{"Bengt", "<p>Same here with hide glue. The second coat is what does it.</p>", 0, thread},
		}},
	}
}

func germanTalks() []talk {
	const reply, subtree, thread, author = dispatcher.ReasonReply, dispatcher.ReasonSubtree, dispatcher.ReasonThread, dispatcher.ReasonAuthor
	return []talk{
		{"Wie ich Stecheisen ohne Maschine schärfe", "https://werkbank.example/beitraege/schaerfen", []said{
			{"Jana", "<p>Ich bekomme die Spiegelseite nie plan. Nach einer Stunde auf dem 400er ist in der Mitte immer noch eine Mulde. Brauche ich einen gröberen Stein oder mehr Geduld?</p>", -1, 0},
			{"Patrick Lindqvist", "<p>Einen gröberen Stein, ganz sicher. Ich fange bei 220 an und wechsle erst, wenn die Riefen bis zur Schneide reichen. Beim letzten Eisen waren das <em>zwanzig Minuten</em>.</p><p>Und prüf den Stein selbst: Meiner war hohl, also wurde alles darauf rund. Einen guten Test mit Bleistiftgitter gibt es <a href=\"https://holzjournal.example/plane-steine\">hier</a>.</p>", 0, reply},
			{"Maren K.", "<p>Das mit dem Stein stimmt. Außerdem muss nur der erste Zentimeter plan sein, nicht die ganze Rückseite.</p>", 1, subtree},
			{"T. Okafor", "<blockquote><p>nur der erste Zentimeter</p></blockquote><p>Das hat mir Jahre gespart. Drei Dinge, die bei mir auf einer Karte über der Bank stehen:</p><ul><li>vor jeder Sitzung den Stein abrichten</li><li>auf die Schneide drücken, nicht auf das Heft</li><li>aufhören, wenn es am Fingernagel greift</li></ul>", 2, thread},
		}},
		{"Eine Werkbank für eine sehr kleine Wohnung", "https://werkbank.example/beitraege/kleine-bank", []said{
			{"Ines", "<p>Die klappbare am Fenster würde bei uns passen. Wie sehr wackelt sie beim Hobeln?</p>", -1, 0},
			{"Hannes Vogt", "<p>Kaum, solange die Beine an der Wand stehen. Ich habe <b>hinter</b> die hinteren Beine eine Leiste auf den Boden geschraubt, seitdem rührt sich nichts mehr.</p>", 0, author},
			{"Ines", "<p>Eine Leiste! So einfach. Danke.</p>", 1, thread},
		}},
	}
}

func hebrewTalks() []talk {
	return []talk{{"איך משחיזים אזמלים בבית", "https://workshop.example/he/sharpening", []said{
		{"נועה", "<p>האבן שלי כבר לא ישרה. איך מיישרים אותה?</p>", -1, 0},
		{"דוד לוי", "<p>עם נייר לטש על זכוכית, גרעין 220. זה לוקח חמש דקות בלבד (ראו <a href=\"https://woodjournal.example/flat-stones\">כאן</a>).</p>", 0, dispatcher.ReasonReply},
		{"T. Okafor", "<p>I use a diamond plate: תוצאה מצוינת.</p>", 1, dispatcher.ReasonThread},
	}}}
}

func arabicTalks() []talk {
	return []talk{
		{"كيف أشحذ الأزاميل من دون آلة", "https://workshop.example/ar/sharpening", []said{
			{"Jana", "<p>لا أستطيع تسوية ظهر الإزميل. بعد ساعة على حجر 400 ما زال في الوسط تقعّر. هل أحتاج إلى حجر أخشن أم إلى صبر أكثر؟</p>", -1, 0},
			{"سامي خوري", "<p>حجر أخشن بالتأكيد. أبدأ بحجر 220 ولا أنتقل إلى غيره حتى تصل الخدوش إلى الحافة. استغرق الأخير <em>عشرين دقيقة</em>.</p><p>وافحص الحجر نفسه، هناك اختبار جيد <a href=\"https://woodjournal.example/flat-stones\">هنا</a>.</p>", 0, dispatcher.ReasonReply},
			{"T. Okafor", "<blockquote><p>افحص الحجر نفسه</p></blockquote><p>This saved me years. شكرًا!</p>", 1, dispatcher.ReasonThread},
		}},
		{"طاولة عمل لشقة صغيرة", "https://workshop.example/ar/small-bench", []said{
			{"ليلى", "<p>القابلة للطي قرب النافذة تناسبنا. هل تهتز كثيرًا؟</p>", -1, 0},
			{"Hannes Vogt", "<p>لا تكاد تهتز ما دامت الأرجل ملاصقة للحائط.</p>", 0, dispatcher.ReasonAuthor},
		}},
	}
}

func spanishTalks() []talk {
	return []talk{
		{"Cómo afilo los formones sin máquina", "https://workshop.example/es/afilar", []said{
			{"Jana", "<p>Nunca consigo aplanar el dorso. Tras una hora con la piedra de 400 sigue hundido en el centro. ¿Necesito una piedra más gruesa o más paciencia?</p>", -1, 0},
			{"Marta Ríos", "<p>Una piedra más gruesa, sin duda. Empiezo con la de 220 y no cambio hasta que las rayas llegan al filo. Con el último tardé <em>veinte minutos</em>.</p>", 0, dispatcher.ReasonReply},
			{"T. Okafor", "<p>Y basta con aplanar el primer centímetro, no todo el dorso.</p>", 1, dispatcher.ReasonThread},
		}},
		{"Un banco para un piso muy pequeño", "https://workshop.example/es/banco", []said{
			{"Inés", "<p>El plegable de la ventana nos iría bien. ¿Cuánto se mueve al cepillar?</p>", -1, 0},
			{"Hannes Vogt", "<p>Casi nada, mientras las patas estén contra la pared.</p>", 0, dispatcher.ReasonAuthor},
		}},
	}
}

func frenchTalks() []talk {
	return []talk{
		{"Comment j’affûte mes ciseaux sans machine", "https://workshop.example/fr/affutage", []said{
			{"Jana", "<p>Je n’arrive jamais à aplanir la planche. Après une heure sur la pierre de 400, il reste un creux au milieu. Me faut-il une pierre plus grosse ou plus de patience ?</p>", -1, 0},
			{"Camille Roy", "<p>Une pierre plus grosse, sans hésiter. Je commence à 220 et je ne change que lorsque les rayures vont jusqu’au tranchant. Le dernier m’a pris <em>vingt minutes</em>.</p>", 0, dispatcher.ReasonReply},
			{"T. Okafor", "<p>Et seul le premier centimètre doit être plat.</p>", 1, dispatcher.ReasonThread},
		}},
		{"Un établi pour un tout petit appartement", "https://workshop.example/fr/etabli", []said{
			{"Inès", "<p>Celui qui se plie sous la fenêtre nous irait. Il bouge beaucoup quand on rabote ?</p>", -1, 0},
			{"Hannes Vogt", "<p>Presque pas, tant que les pieds touchent le mur.</p>", 0, dispatcher.ReasonAuthor},
		}},
	}
}

func ukrainianTalks() []talk {
	return []talk{
		{"Як я гострю стамески без верстата", "https://workshop.example/uk/stamesky", []said{
			{"Jana", "<p>Ніяк не вирівняю спинку. Після години на камені 400 посередині все ще западина. Потрібен грубший камінь чи більше терпіння?</p>", -1, 0},
			{"Оксана Гай", "<p>Грубший камінь, без сумніву. Я починаю з 220 і міняю його, лише коли подряпини доходять до краю. Остання забрала <em>двадцять хвилин</em>.</p>", 0, dispatcher.ReasonReply},
			{"T. Okafor", "<p>І рівним має бути лише перший сантиметр, а не вся спинка.</p>", 1, dispatcher.ReasonThread},
		}},
		{"Верстак для дуже малої квартири", "https://workshop.example/uk/verstak", []said{
			{"Інеса", "<p>Той, що складається біля вікна, нам підійшов би. Чи дуже він хитається?</p>", -1, 0},
			{"Hannes Vogt", "<p>Майже ні, якщо ніжки стоять біля стіни.</p>", 0, dispatcher.ReasonAuthor},
		}},
	}
}
