package policies

import (
	"strings"
)

// claimsSuccess finds a caller that sets the verdict of its own write.
func claimsSuccess(_ Book, m *member) (string, bool) {
	return "", !m.element && m.name.letters == "businesssuccess"
}

// deletes looks at the verb and the operation of the request itself.
func deletes(_ Book, in Intention) (string, bool) {
	return "", strings.EqualFold(strings.TrimSpace(in.Method), "DELETE") || nameCache{}.read(in.Operation).any(saysDelete)
}

// asksToDelete finds a delete wrapped in another request: {"delete":true},
// {"action":"delete"}, and the method overrides of web frameworks
// (_method, X-HTTP-Method-Override, PrestaShop's ps_method).
func asksToDelete(_ Book, m *member) (string, bool) {
	if !m.element && m.name.any(saysDelete) && affirmed(m.value) {
		return "", true
	}
	text, isText := m.value.(string)
	if !isText || len(text) > maxMarkerBytes || m.name.kinds&verb == 0 {
		return "", false
	}
	return "", read(text).any(saysDelete)
}

func saysDelete(r reading) bool {
	for i, p := range r {
		if p.kind&deletion != 0 && !precededBy(r, i, negation) {
			return true
		}
	}
	return false
}

// prefersSync reads Prefer values (RFC 7240): wait=10, respond-sync and what
// resembles them. respond-async alone, and wait=0, ask for what we do anyway.
func prefersSync(_ Book, in Intention) (string, bool) {
	for _, value := range in.Prefer {
		if wantsSync(value) {
			return "", true
		}
	}
	return "", false
}

func wantsSync(preferences string) bool {
	separator := func(r rune) bool { return r == ',' || r == ';' }
	for preference := range strings.FieldsFuncSeq(preferences, separator) {
		name, value, given := strings.Cut(preference, "=")
		if given && !affirmed(strings.Trim(strings.TrimSpace(value), `"`)) {
			continue
		}
		if read(name + " " + value).any(saysWait) {
			return true
		}
	}
	return false
}

// asksToWait finds the same wish among the fields: {"sync":true},
// {"wait_for_completion":1}, {"async":false}, {"mode":"sync"}.
func asksToWait(_ Book, m *member) (string, bool) {
	if !m.element && m.name.any(saysWait) && affirmed(m.value) {
		return "", true
	}
	if !m.element && m.name.any(saysBackground) && refuses(m.value) {
		return "", true
	}
	text, isText := m.value.(string)
	if !isText || len(text) > maxMarkerBytes || m.name.kinds&(sort|verb) == 0 {
		return "", false
	}
	return "", wantsSync(text)
}

// refuses is denied, or a zero: async: 0.
func refuses(value any) bool { return value != nil && !affirmed(value) && value != "" }

// saysWait wants every word to be about waiting, so that last_sync_at and
// blocking_reason are only unknown fields.
func saysWait(r reading) bool {
	return r.kinds()&waiting != 0 && r.only(waiting|background|patience)
}

func saysBackground(r reading) bool {
	return r.kinds()&background != 0 && r.only(background|patience)
}
