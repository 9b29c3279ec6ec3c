package public

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/hearback/hearback/dispatcher/web"
)

// embedMark is what the script's first words are put in place of.
const embedMark = "/*says*/"

// makeEmbed puts into the script what it says before it has asked for its
// words, or when it cannot.
func makeEmbed(script []byte, l *languages) ([]byte, error) {
	var b bytes.Buffer
	for i, lang := range l.names {
		w := l.words[lang]
		said, err := json.Marshal([]string{w.say("embed_loading"), w.say("embed_failed")})
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(lang + ":")
		b.Write(said)
	}
	return bytes.Replace(script, []byte(embedMark), b.Bytes(), 1), nil
}

// embedWords is what the snippet shows.
type embedWords struct {
	Lang     string        `json:"lang"`
	Dir      string        `json:"dir"`
	Title    string        `json:"title"`
	What     string        `json:"what"`
	Often    string        `json:"often"`
	Email    string        `json:"email"`
	Button   string        `json:"button"`
	Hint     string        `json:"hint"`
	Trap     string        `json:"trap"`
	Failed   string        `json:"failed"`
	Ways     []embedOption `json:"ways"`
	Cadences []embedOption `json:"cadences"`
}

type embedOption struct {
	Value  string `json:"value"`
	Label  string `json:"label"`
	Chosen bool   `json:"chosen,omitempty"`
}

// embed tells the snippet what it can offer on its page, in the page's
// language.
func (p *Pages) embed(v *visit) error {
	v.json = true
	v.w.Header().Set("Access-Control-Allow-Origin", "*") // the same for everybody, and cookies are never looked at
	given := map[string]string{}
	for _, name := range askFields {
		given[name] = v.given(name)
	}
	v.lang = p.languages.asked(given["lang"], v.r.Header.Get("Accept-Language"))
	site, err := p.desk.Site(given["site"])
	if err != nil {
		return p.misbuilt(v, err)
	}
	v.Site = site
	ways, err := p.ways(v, given)
	if err != nil {
		return err
	}
	if len(ways) == 0 {
		return p.misbuilt(v, errNoWay())
	}
	schedules, err := p.desk.Schedules(v.r.Context())
	if err != nil {
		return err
	}
	w := p.words[v.lang]
	web.WriteJSON(v.w, http.StatusOK, embedWords{w.lang, w.dir, w.say("ask_title"), w.say("ask_what"), w.say("ask_often"), w.say("ask_email"), w.say("ask_button"), w.say("ask_hint"),
		w.say("ask_trap"), w.say("embed_failed"), embedOptions(ways), embedOptions(cadences(w, schedules, &v.Site, given["schedule"]))})
	return nil
}

func embedOptions(list []option) []embedOption {
	out := make([]embedOption, len(list))
	for i, o := range list {
		out[i] = embedOption(o)
	}
	return out
}
