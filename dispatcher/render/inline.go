package render

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/vanng822/go-premailer/premailer"
)

// blocks are the parsed blocks of one part by name.
type blocks map[string]*parse.Tree

// inliner writes the rules of a template's style sheet into style attributes,
// once per template. A CSS inliner parses HTML and would tear template actions
// out of tables, so actions are first replaced: by comments between elements,
// by plain words inside tags and in texts that hold no elements.
type inliner struct {
	set     blocks
	actions []string // what the stand-ins stand for
	done    map[string]bool
	inTag   byte   // 0 outside, '<' in a tag, '"' or '\'' in an attribute's value
	raw     string // name of the element whose raw text is open
	next    string // the same, while its start tag is still open
	out     strings.Builder

	conditional *regexp.Regexp
}

// What the inliner looks for: its own stand-ins, Outlook's conditional
// comments, and its marks around blocks.
const (
	standIn     = `<!--hbaction\d+x-->|hbaction\d+x(?:="")?`
	conditional = `(?s)<!--\[if [^>]*\]>.*?<!\[endif\]-->`
	marker      = `<!--hb(begin|end):(.*?)-->`
)

// inline gives the sources of all blocks with the style sheet applied. Blocks
// that `mail` does not use keep their form.
func inline(set blocks) (map[string]string, error) {
	in := &inliner{set: set, done: map[string]bool{}, conditional: regexp.MustCompile(conditional)}
	if set["mail"] == nil {
		return nil, fmt.Errorf("there is no mail block")
	}
	in.done["mail"] = true
	if err := in.list(set["mail"].Root, 0); err != nil {
		return nil, err
	}
	page := in.out.String()
	styled := page
	if strings.Contains(page, "<style") {
		pm, err := premailer.NewPremailerFromString(page, &premailer.Options{})
		if err != nil {
			return nil, fmt.Errorf("inline CSS: %w", err)
		}
		if styled, err = pm.Transform(); err != nil {
			return nil, fmt.Errorf("inline CSS: %w", err)
		}
	}
	styled = strings.ReplaceAll(styled, ` data-premailer="ignore"`, "")
	return in.split(lean(styled))
}

// list writes nodes as markup with stand-ins. Calls of a block are replaced by
// the block the first time, so that the style sheet reaches into it.
func (in *inliner) list(l *parse.ListNode, depth int) error {
	if l == nil {
		return nil
	}
	if depth > 50 {
		return fmt.Errorf("blocks are nested too deeply")
	}
	for _, n := range l.Nodes {
		var err error
		switch n := n.(type) {
		case *parse.TextNode:
			in.text(string(n.Text))
		case *parse.IfNode:
			err = in.branch("if", &n.BranchNode, depth)
		case *parse.RangeNode:
			err = in.branch("range", &n.BranchNode, depth)
		case *parse.WithNode:
			err = in.branch("with", &n.BranchNode, depth)
		case *parse.TemplateNode:
			tree := in.set[n.Name]
			if tree == nil || in.done[n.Name] || in.inTag != 0 || in.raw != "" {
				in.action(n.String())
				break
			}
			in.done[n.Name] = true
			in.action(n.String())
			in.out.WriteString("<!--hbbegin:" + n.Name + "-->")
			err = in.list(tree.Root, depth+1)
			in.out.WriteString("<!--hbend:" + n.Name + "-->")
		case *parse.CommentNode:
		default:
			in.action(n.String())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (in *inliner) branch(word string, n *parse.BranchNode, depth int) error {
	in.action("{{" + word + " " + n.Pipe.String() + "}}")
	if err := in.list(n.List, depth+1); err != nil {
		return err
	}
	if n.ElseList != nil {
		in.action("{{else}}")
		if err := in.list(n.ElseList, depth+1); err != nil {
			return err
		}
	}
	in.action("{{end}}")
	return nil
}

// action writes a stand-in that fits where it stands.
func (in *inliner) action(source string) {
	id := len(in.actions)
	in.actions = append(in.actions, source)
	if in.inTag != 0 || in.raw != "" {
		fmt.Fprintf(&in.out, "hbaction%dx", id)
	} else {
		fmt.Fprintf(&in.out, "<!--hbaction%dx-->", id)
	}
}

// text writes markup and follows it, to know what the next action stands in.
// Conditional comments, which only Outlook reads, become actions: html/template
// would drop them as comments.
func (in *inliner) text(s string) {
	for {
		at := in.conditional.FindStringIndex(s)
		if at == nil || in.inTag != 0 || in.raw != "" {
			break
		}
		in.markup(s[:at[0]])
		in.action("{{conditional " + strconv.Quote(s[at[0]:at[1]]) + "}}")
		s = s[at[1]:]
	}
	in.markup(s)
}

func (in *inliner) markup(s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case in.raw != "":
			if end := "</" + in.raw; c == '<' && len(s)-i >= len(end) && strings.EqualFold(s[i:i+len(end)], end) {
				in.raw = ""
				in.inTag = '<'
			}
		case in.inTag == 0:
			if strings.HasPrefix(s[i:], "<!--") {
				// An ordinary comment goes; nobody reads it in a mail.
				end := strings.Index(s[i:], "-->")
				in.out.WriteString(s[:i])
				if end < 0 {
					return
				}
				s, i = s[i+end+3:], -1
				continue
			}
			if c == '<' && i+1 < len(s) && (s[i+1] == '/' || s[i+1] == '!' || isLetter(s[i+1])) {
				in.inTag = '<'
				in.pending(s[i+1:])
			}
		case in.inTag == '<':
			switch c {
			case '"', '\'':
				in.inTag = c
			case '>':
				in.inTag = 0
				in.raw, in.next = in.next, ""
			}
		case c == in.inTag:
			in.inTag = '<'
		}
	}
	in.out.WriteString(s)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// pending notes that the tag now open begins raw text, in which no comment is
// understood.
func (in *inliner) pending(tag string) {
	in.next = ""
	for _, name := range []string{"style", "title", "script", "textarea"} {
		if len(tag) > len(name) && strings.EqualFold(tag[:len(name)], name) && !isLetter(tag[len(name)]) {
			in.next = name
		}
	}
}

// split takes the styled page apart into its blocks again and puts the actions
// back.
func (in *inliner) split(styled string) (map[string]string, error) {
	out := map[string]string{}
	marker, standIn := regexp.MustCompile(marker), regexp.MustCompile(standIn)
	var names []string
	var texts []*strings.Builder
	names, texts = append(names, "mail"), append(texts, &strings.Builder{})
	for {
		at := marker.FindStringSubmatchIndex(styled)
		if at == nil {
			break
		}
		top := len(names) - 1
		texts[top].WriteString(styled[:at[0]])
		word, name := styled[at[2]:at[3]], styled[at[4]:at[5]]
		styled = styled[at[1]:]
		if word == "begin" {
			names, texts = append(names, name), append(texts, &strings.Builder{})
			continue
		}
		if names[top] != name || top == 0 {
			return nil, fmt.Errorf("the markup around the block %q does not close where it opens", name)
		}
		out[name] = texts[top].String()
		names, texts = names[:top], texts[:top]
	}
	if len(names) != 1 {
		return nil, fmt.Errorf("the markup around the block %q does not close where it opens", names[len(names)-1])
	}
	texts[0].WriteString(styled)
	out["mail"] = texts[0].String()
	seen := 0
	for name, text := range out {
		out[name] = standIn.ReplaceAllStringFunc(text, func(m string) string {
			id, err := strconv.Atoi(strings.TrimFunc(m, func(r rune) bool { return r < '0' || r > '9' }))
			if err != nil || id >= len(in.actions) {
				return m
			}
			seen++
			return in.actions[id]
		})
	}
	if seen != len(in.actions) {
		return nil, fmt.Errorf("%d template actions stand where HTML allows none, for example between <table> and <tbody>", len(in.actions)-seen)
	}
	for name, tree := range in.set {
		if !in.done[name] {
			out[name] = tree.Root.String()
		}
	}
	return out, nil
}

// sortedNames gives the names of the blocks in a fixed order.
func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
