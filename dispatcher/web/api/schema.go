package api

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// object is JSON in the making; encoding/json writes its keys in order.
type object = map[string]any

// values lists what a type of texts may be. A test holds it against the
// constants in the source.
func values(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[dispatcher.Code]():
		return texts(dispatcher.CodeInvalid, dispatcher.CodeNotFound, dispatcher.CodeConflict, dispatcher.CodeIDReused, dispatcher.CodeEnded, dispatcher.CodeForbidden,
			dispatcher.CodeUnauthorized, dispatcher.CodeTooLarge, dispatcher.CodeLimited, dispatcher.CodeUnavailable, dispatcher.CodeInUse, dispatcher.CodeInternal)
	case reflect.TypeFor[dispatcher.EventType]():
		return texts(dispatcher.CommentPublished, dispatcher.CommentEdited, dispatcher.CommentRemoved, dispatcher.ThreadRead, dispatcher.ThreadUpdated, dispatcher.ThreadRemoved,
			dispatcher.AuthorErased, dispatcher.SubscriberSet, dispatcher.SubscriptionSet, dispatcher.SubscriptionEnded)
	case reflect.TypeFor[dispatcher.TargetType]():
		return texts(dispatcher.TargetThread, dispatcher.TargetComment, dispatcher.TargetAuthor, dispatcher.TargetReplies, dispatcher.TargetSite)
	case reflect.TypeFor[dispatcher.Depth]():
		return texts(dispatcher.DepthDirect, dispatcher.DepthAny)
	case reflect.TypeFor[dispatcher.EndedBy]():
		return texts(dispatcher.EndedByReader, dispatcher.EndedByComplaint, dispatcher.EndedBySite, dispatcher.EndedByLapse)
	case reflect.TypeFor[dispatcher.Misfire]():
		return texts(dispatcher.MisfireMerge, dispatcher.MisfireSkip)
	case reflect.TypeFor[dispatcher.Kind]():
		return texts(dispatcher.KindReply, dispatcher.KindDigest, dispatcher.KindConfirm, dispatcher.KindLink, dispatcher.KindTest, dispatcher.KindNotice)
	case reflect.TypeFor[dispatcher.State]():
		return texts(dispatcher.StateDue, dispatcher.StateSending, dispatcher.StateSent, dispatcher.StateDeferred, dispatcher.StateFailed,
			dispatcher.StateUnknown, dispatcher.StateCancelled, dispatcher.StateSuppressed)
	case reflect.TypeFor[dispatcher.Outcome]():
		return texts(dispatcher.OutcomeSent, dispatcher.OutcomeDeferred, dispatcher.OutcomeFailed, dispatcher.OutcomeUnknown)
	case reflect.TypeFor[dispatcher.Visibility]():
		return texts(dispatcher.Visible, dispatcher.Held, dispatcher.Removed)
	case reflect.TypeFor[wire.SubscriptionState]():
		return texts(wire.SubscriptionLive, wire.SubscriptionPending, wire.SubscriptionEnded)
	case reflect.TypeFor[wire.Fate]():
		return texts(wire.FateCreated, wire.FateUpdated, wire.FateRejected)
	case reflect.TypeFor[wire.TemplateState]():
		return texts(wire.TemplateDraft, wire.TemplateActive, wire.TemplateOld)
	case reflect.TypeFor[wire.Verdict]():
		return texts(wire.VerdictSent, wire.VerdictWillBe, wire.VerdictHeld, wire.VerdictNot, wire.VerdictUnknown, wire.VerdictNoReader)
	case reflect.TypeFor[wire.Mode]():
		return texts(wire.ModeOn, wire.ModeHold, wire.ModeRedirect)
	}
	return nil
}

func texts[T ~string](list ...T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// allowed lists what a field may be: what its tag enum lists, or its type.
func allowed(f reflect.StructField) []string {
	if e := f.Tag.Get("enum"); e != "" {
		return strings.Split(e, ",")
	}
	t := f.Type
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return values(t)
}

// schemas are the schemas of Go types, each struct once under its name.
type schemas struct {
	defs  map[string]object
	types map[string]reflect.Type // who has a name
	input bool                    // of what is sent: decoded strictly, required is what need:"true" says
}

// of gives the schema of a type: for a struct a reference to its own.
func (s *schemas) of(t reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[dispatcher.Quiet]():
		return object{"type": "string", "pattern": `^([0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2})?$`}
	case t == reflect.TypeFor[json.RawMessage]():
		return object{}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.structure(t)
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		if v := values(t); v != nil {
			return object{"type": "string", "enum": v}
		}
		return object{"type": "string"}
	}
	panic(fmt.Sprintf("no schema for %s", t)) // a defect that every start of the package's tests meets
}

func (s *schemas) structure(t reflect.Type) object {
	name := schemaName(t)
	ref := object{"$ref": "#/components/schemas/" + name}
	if other, ok := s.types[name]; ok {
		if other != t {
			panic(fmt.Sprintf("%s and %s have the same name", other, t))
		}
		return ref
	}
	s.types[name] = t
	properties, required := object{}, []string{}
	for _, f := range jsonFields(t) {
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		properties[key] = s.property(f)
		if f.Tag.Get("need") != "" || !s.input && !strings.Contains(options, "omit") {
			required = append(required, key)
		}
	}
	def := object{"type": "object", "properties": properties}
	if s.input {
		def["additionalProperties"] = false
	}
	if len(required) > 0 {
		slices.Sort(required)
		def["required"] = required
	}
	s.defs[name] = def
	return ref
}

// property is the schema of a field, with what its tags say.
func (s *schemas) property(f reflect.StructField) object {
	p := s.of(f.Type)
	if e := f.Tag.Get("enum"); e != "" {
		p["enum"] = strings.Split(e, ",")
	}
	if d := f.Tag.Get("doc"); d != "" {
		p["description"] = d
	}
	if d := f.Tag.Get("default"); d != "" {
		p["default"] = d
		if n, err := strconv.Atoi(d); err == nil {
			p["default"] = n
		}
	}
	if format := f.Tag.Get("format"); format != "" && s.input && f.Tag.Get("json") != "" {
		p["format"] = format
	}
	limit := func(tag, text, list, number string) {
		n, err := strconv.Atoi(f.Tag.Get(tag))
		switch {
		case err != nil:
		case p["type"] == "string":
			p[text] = n
		case p["type"] == "array":
			p[list] = n
		default:
			p[number] = n
		}
	}
	limit("min", "minLength", "minItems", "minimum")
	limit("max", "maxLength", "maxItems", "maximum")
	return p
}

// jsonFields lists the fields that encoding/json writes, those of embedded
// structs in their places.
func jsonFields(t reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for _, f := range reflect.VisibleFields(t) {
		if tag := f.Tag.Get("json"); f.IsExported() && tag != "" && tag != "-" {
			out = append(out, f)
		}
	}
	return out
}

// schemaName names a type: "Subscriber", "SubscriberPage". What the domain
// calls an event's parts are inputs here.
func schemaName(t reflect.Type) string {
	name := t.Name()
	if outer, inner, ok := strings.Cut(name, "["); ok { // Page[….Subscriber]
		inner = strings.TrimSuffix(inner, "]")
		return inner[strings.LastIndex(inner, ".")+1:] + outer
	}
	switch t {
	case reflect.TypeFor[dispatcher.EventSubscriber]():
		return "SubscriberInput"
	case reflect.TypeFor[dispatcher.EventSubscription]():
		return "SubscriptionInput"
	}
	return name
}
