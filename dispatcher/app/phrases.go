package app

import (
	"fmt"
	"slices"
	"strings"
)

// phrases are what the program itself puts into the sentences of the mails'
// words (templates/email/words.*), in one of their languages: what a click
// ends, and what a mail of confirmation is about. Each fits the sentence there.
type phrases struct {
	replies, digest  string // what a click ends; %s is the site
	label            string // appended to digest; %s is the cadence
	thread           string // %s is its title
	untitled         string
	comment, author  string
	toMe, site       string
	comma, and, more string
}

func phrasesIn(locale string) *phrases {
	lang, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(locale), "_", "-"), "-")
	p := &phrases{comma: ", ", label: " (%s)"}
	switch lang {
	case "ar":
		p.replies, p.digest = "رسائل هذا النقاش في \u2068%s\u2069", "ملخّص \u2068%s\u2069"
		p.thread, p.untitled = "التعليقات الجديدة على «%s»", "التعليقات الجديدة في إحدى الصفحات"
		p.comment, p.author = "الردود على أحد التعليقات", "كل ما يكتبه أحد الكتّاب"
		p.toMe, p.site = "الردود على تعليقاتك", "كل التعليقات الجديدة في الموقع"
		p.comma, p.and, p.more = "، ", " و", "غير ذلك"
	case "de":
		p.replies, p.digest = "Mails zu dieser Unterhaltung auf %s", "die Sammelmail von %s"
		p.thread, p.untitled = "neuen Kommentaren zu „%s“", "neuen Kommentaren zu einer Seite"
		p.comment, p.author = "Antworten unter einem Kommentar", "allem, was eine Person schreibt"
		p.toMe, p.site = "Antworten auf deine Kommentare", "allen neuen Kommentaren"
		p.and, p.more = " und ", "weiteres"
	case "es":
		p.replies, p.digest = "los correos sobre esta conversación en %s", "el resumen de %s"
		p.thread, p.untitled = "los comentarios nuevos en «%s»", "los comentarios nuevos en una página"
		p.comment, p.author = "las respuestas a un comentario", "todo lo que escriba una persona"
		p.toMe, p.site = "las respuestas a tus comentarios", "todos los comentarios nuevos de la web"
		p.and, p.more = " y ", "algo más"
	case "fr":
		p.replies, p.digest = "les messages sur cette conversation de %s", "le récapitulatif de %s"
		p.thread, p.untitled = "les nouveaux commentaires sur «\u00a0%s\u00a0»", "les nouveaux commentaires d’une page"
		p.comment, p.author = "les réponses sous un commentaire", "tout ce qu’écrit une personne"
		p.toMe, p.site = "les réponses à vos commentaires", "tous les nouveaux commentaires du site"
		p.and, p.more = " et ", "d’autres choses"
	case "uk":
		p.replies, p.digest = "листи про це обговорення на сайті %s", "добірку від %s"
		p.thread, p.untitled = "нові коментарі до «%s»", "нові коментарі на одній зі сторінок"
		p.comment, p.author = "відповіді під одним із коментарів", "усе, що пише один з авторів"
		p.toMe, p.site = "відповіді на ваші коментарі", "усі нові коментарі сайту"
		p.and, p.more = " і ", "інше"
	default:
		p.replies, p.digest = "mails about this conversation on %s", "the digest of %s"
		p.thread, p.untitled = "new comments on “%s”", "new comments on one page"
		p.comment, p.author = "answers below one comment", "what one author writes"
		p.toMe, p.site = "replies to your comments", "all new comments of the site"
		p.and, p.more = " and ", "more"
	}
	return p
}

// say puts an argument into a phrase.
func say(phrase, arg string) string { return fmt.Sprintf(phrase, arg) }

// enumerate writes a list into a sentence, at most a few of it.
func (p *phrases) enumerate(list []string) string {
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > 5 {
		list = append(list[:4:4], p.more)
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], p.comma) + p.and + list[len(list)-1]
}
