package public

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// words are the words of one language.
type words struct {
	lang string
	said map[string]string
}

// say gives the words for a key, with its arguments put in. A key without
// words is a defect that the tests find; it shows itself.
func (w words) say(key string, args ...any) string {
	text, ok := w.said[key]
	switch {
	case !ok:
		return "[" + key + "]"
	case len(args) > 0:
		return fmt.Sprintf(text, args...)
	}
	return text
}

// day writes a date.
func (w words) day(t time.Time) string {
	if w.lang == "de" {
		return t.Format("2.1.2006")
	}
	return t.Format("2 January 2006")
}

// languages lists those that there are words for; the first is the fallback.
func languages() []string { return []string{"en", "de"} }

// wordsIn gives the words of a language that [languages] lists.
func wordsIn(lang string) words {
	w := words{lang, map[string]string{}}
	for key, text := range table() {
		w.said[key] = text[0]
		if lang == "de" {
			w.said[key] = text[1]
		}
	}
	return w
}

// languageOf gives the first of the tags that there are words for.
func languageOf(tags ...string) string {
	for _, tag := range tags {
		base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
		for _, l := range languages() {
			if base == l {
				return l
			}
		}
	}
	return languages()[0]
}

// spoken gives the language that a browser asks for, RFC 9110 §12.5.4.
func spoken(accept string) string {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return languages()[0]
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.String()
	}
	return languageOf(names...)
}

// table has all words, English and German.
func table() map[string][2]string {
	return map[string][2]string{
		"untitled": {"a conversation", "ein Gespräch"},
		"somebody": {"somebody", "jemand"},
		"at_once":  {"at once", "sofort"},
		"as_site":  {"as the site does: %s", "wie die Seite: %s"},
		"and_more": {"and %d more", "und %d weitere"},
		"undo":     {"Undo", "Rückgängig machen"},
		"to_site":  {"Back to %s", "Zurück zu %s"},

		"target_thread":     {"the conversation", "das Gespräch"},
		"target_comment":    {"answers below a comment", "Antworten unter einem Kommentar"},
		"target_comment_by": {"answers below %s’s comment", "Antworten unter dem Kommentar von %s"},
		"target_author":     {"all that is written by", "alles, was geschrieben wird von"},
		"target_replies":    {"answers to what you write", "Antworten auf das, was du schreibst"},
		"target_site":       {"everything on the site", "alles auf der Seite"},

		"confirm_title":   {"Shall we write to you?", "Dürfen wir dir schreiben?"},
		"confirm_intro":   {"%s would send mails to %s when there is something new about:", "%s würde an %s schreiben, wenn es Neues gibt. Es geht um:"},
		"confirm_plain":   {"%s would send mails to %s when there are new comments.", "%s würde an %s schreiben, wenn es neue Kommentare gibt."},
		"confirm_button":  {"Yes, write to me", "Ja, schreibt mir"},
		"confirm_not_you": {"You did not ask for this? Then just close the page. Without your yes, no further mail comes.", "Du hast das nicht bestellt? Dann schließ einfach die Seite. Ohne dein Ja kommt keine weitere Mail."},
		"confirmed_title": {"You’ll hear from us", "Du hörst von uns"},
		"confirmed_text":  {"Mails from %s now go to %s.", "Mails von %s gehen jetzt an %s."},
		"confirmed_how":   {"Each of them has a link to stop or change this.", "In jeder steht ein Link, mit dem du das beenden oder ändern kannst."},
		"to_manage":       {"Choose what you get, and when", "Auswählen, was du bekommst und wann"},

		"leave_title":      {"Stop these mails?", "Diese Mails beenden?"},
		"leave_reply":      {"You will get no more mails about:", "Du bekommst dann keine Mails mehr zu:"},
		"leave_digest":     {"You will get no more digests from %s (%s). They are about:", "Du bekommst dann keine Zusammenfassungen von %s mehr (%s). Darin geht es um:"},
		"leave_button":     {"Stop these mails", "Diese Mails beenden"},
		"leave_instead":    {"Or rather …", "Oder lieber …"},
		"leave_mute":       {"Mute only “%s”", "Nur „%s“ stummschalten"},
		"leave_author":     {"Hear no more from %s", "Nichts mehr von %s hören"},
		"leave_pause_week": {"Pause for a week", "Eine Woche Pause"},
		"leave_pause_mon":  {"Pause for a month", "Einen Monat Pause"},
		"leave_cadence":    {"Get them", "Anders bekommen"},
		"leave_change":     {"Change", "Ändern"},
		"leave_all":        {"Stop everything from %s", "Alles von %s beenden"},
		"left_title":       {"These mails have stopped", "Diese Mails sind beendet"},
		"left_text":        {"You get no more of them. It was a mistake? You can undo this for 30 days.", "Du bekommst keine mehr davon. War das ein Versehen? 30 Tage lang kannst du es rückgängig machen."},
		"left_stays_one":   {"One other subscription from %s goes on.", "Ein anderes Abo von %s läuft weiter."},
		"left_stays":       {"%d other subscriptions from %s go on.", "%d andere Abos von %s laufen weiter."},
		"nothing_title":    {"There is nothing left to stop", "Hier ist nichts mehr zu beenden"},
		"nothing_text":     {"You get no more mails of this kind.", "Du bekommst keine Mails dieser Art mehr."},
		"oneclick_done":    {"You are unsubscribed.", "Du bist abgemeldet."},
		"undone":           {"Undone. You get these mails again.", "Rückgängig gemacht. Du bekommst diese Mails wieder."},
		"undo_late":        {"This can no longer be undone. Subscribe again on the site.", "Das lässt sich nicht mehr rückgängig machen. Abonniere auf der Seite neu."},
		"paused_until":     {"Paused until %s. What happens meanwhile comes afterwards, in one mail.", "Pause bis %s. Was bis dahin geschieht, kommt danach in einer Mail."},
		"cadence_set":      {"Changed. From now on they come %s.", "Geändert. Ab jetzt kommen sie %s."},
		"was_muted":        {"Muted: %s. You hear no more of it.", "Stummgeschaltet: %s. Du hörst nichts mehr davon."},
		"no_choice":        {"Nothing was changed. Please use one of the buttons.", "Nichts wurde geändert. Bitte nimm einen der Knöpfe."},

		"mute_thread_title": {"Mute this conversation?", "Dieses Gespräch stummschalten?"},
		"mute_thread_text":  {"You will hear no more of it, not even of answers to you in it. Everything else goes on.", "Du hörst dann nichts mehr davon, auch nicht von Antworten an dich darin. Alles andere geht weiter."},
		"mute_author_title": {"Mute this person?", "Diese Person stummschalten?"},
		"mute_author_text":  {"You will hear no more of what they write, wherever it is. Everything else goes on.", "Du hörst dann nichts mehr von dem, was sie schreibt, wo auch immer. Alles andere geht weiter."},
		"mute_button":       {"Mute", "Stummschalten"},
		"muted_title":       {"Muted", "Stummgeschaltet"},
		"muted_text":        {"You hear no more of it.", "Du hörst nichts mehr davon."},
		"unmute":            {"Unmute", "Wieder hören"},
		"unmuted":           {"No longer muted.", "Nicht mehr stummgeschaltet."},

		"manage_title":   {"What you get", "Was du bekommst"},
		"manage_intro":   {"Mails from %s to %s", "Mails von %s an %s"},
		"manage_subs":    {"You follow", "Du folgst"},
		"manage_none":    {"You follow nothing at the moment.", "Du folgst gerade nichts."},
		"manage_pending": {"not confirmed yet", "noch nicht bestätigt"},
		"manage_end":     {"Stop", "Beenden"},
		"manage_end_of":  {"Stop %s %s", "%s %s beenden"},
		"manage_often":   {"How often: %s %s", "Wie oft: %s %s"},
		"manage_normal":  {"How often, normally", "Wie oft, normalerweise"},
		"manage_normal2": {"Counts wherever you chose nothing else above.", "Gilt überall, wo du oben nichts anderes gewählt hast."},
		"manage_quiet":   {"Quiet hours", "Ruhezeit"},
		"manage_quiet2":  {"Nothing is mailed then. Leave both empty for none.", "Dann kommt nichts. Beide leer: keine Ruhezeit."},
		"manage_from":    {"from", "von"},
		"manage_to":      {"to", "bis"},
		"manage_pause":   {"Pause until", "Pause bis"},
		"manage_pause2":  {"What happens meanwhile comes on that day. Empty: no pause.", "Was bis dahin geschieht, kommt an diesem Tag. Leer: keine Pause."},
		"manage_zone":    {"Your time zone", "Deine Zeitzone"},
		"manage_zone2":   {"Empty: as the site, %s.", "Leer: wie die Seite, %s."},
		"manage_save":    {"Save", "Speichern"},
		"manage_muted":   {"Muted", "Stummgeschaltet"},
		"manage_all":     {"Stop everything from %s", "Alles von %s beenden"},
		"manage_all2":    {"No more mails, whatever the site does. For 30 days you can undo it.", "Keine Mails mehr, was die Seite auch tut. 30 Tage lang kannst du es rückgängig machen."},
		"manage_when":    {"When it comes", "Wann es kommt"},
		"saved":          {"Saved.", "Gespeichert."},
		"ended_one":      {"Stopped.", "Beendet."},
		"ended_all":      {"Everything has stopped. No more mails come.", "Alles ist beendet. Es kommen keine Mails mehr."},
		"all_is_ended":   {"You have stopped everything.", "Du hast alles beendet."},
		"wrong_zone":     {"This time zone is not known. Choose one of the list, such as Europe/Berlin.", "Diese Zeitzone ist nicht bekannt. Nimm eine aus der Liste, zum Beispiel Europe/Berlin."},
		"wrong_pause":    {"Please choose a day from tomorrow on, within a year.", "Bitte wähle einen Tag ab morgen, innerhalb eines Jahres."},
		"wrong_quiet":    {"Quiet hours need a beginning and an end.", "Die Ruhezeit braucht einen Anfang und ein Ende."},
		"wrong_other":    {"This could not be saved. Please look at your choices again.", "Das ließ sich nicht speichern. Bitte sieh dir deine Auswahl noch einmal an."},

		"link_broken_what":   {"This link is not complete", "Dieser Link ist nicht vollständig"},
		"link_broken_do":     {"Mail programs sometimes break long links in two. Open the mail again and copy the whole link.", "Mailprogramme brechen lange Links manchmal um. Öffne die Mail noch einmal und kopiere den ganzen Link."},
		"link_expired_what":  {"This link has run out", "Dieser Link ist abgelaufen"},
		"link_expired_do":    {"Use the same link in your latest mail. It works for 90 days, a link to confirm for seven. The link to stop mails always works.", "Nimm denselben Link aus deiner neuesten Mail. Er gilt 90 Tage, ein Link zum Bestätigen sieben. Der Link zum Abbestellen geht immer."},
		"link_outdated_what": {"A newer link has taken its place", "Ein neuerer Link hat ihn ersetzt"},
		"link_outdated_do":   {"Use the link in your latest mail. The link to stop mails works in every mail.", "Nimm den Link aus deiner neuesten Mail. Der Link zum Abbestellen geht in jeder Mail."},
		"link_wrong_what":    {"This link does not work here", "Dieser Link passt hier nicht"},
		"link_wrong_do":      {"Open it from the mail itself. If it does not work there either, answer that mail and ask the site.", "Öffne ihn aus der Mail heraus. Klappt auch das nicht, antworte auf die Mail und frag die Seite."},
		"gone_what":          {"This is no longer there", "Das gibt es nicht mehr"},
		"gone_do":            {"What the link is about was removed. You need to do nothing.", "Worum es in dem Link geht, wurde entfernt. Du musst nichts tun."},
		"busy_what":          {"We cannot do this at the moment", "Das geht gerade nicht"},
		"busy_do":            {"Please try again in a minute. Nothing was changed.", "Bitte versuch es in einer Minute noch einmal. Nichts wurde geändert."},
		"defect_what":        {"Something went wrong on our side", "Bei uns ist etwas schiefgegangen"},
		"defect_do":          {"Please try again later. If it stays, answer the mail and tell the site.", "Bitte versuch es später noch einmal. Bleibt es so, antworte auf die Mail und sag der Seite Bescheid."},
		"refused_what":       {"This could not be done", "Das ging nicht"},
		"refused_do":         {"Go back and try again, or open the link from the mail once more.", "Geh zurück und versuch es noch einmal, oder öffne den Link noch einmal aus der Mail."},
	}
}
