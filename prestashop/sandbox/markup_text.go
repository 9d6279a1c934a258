package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// markupError is a fault of a body, in the words of the shop's parser.
type markupError struct {
	faults []markupFault
}

// markupFault is one message of the parser with the place it points at.
type markupFault struct {
	message string
	line    string // the line the fault is in
	column  int
}

func (e *markupError) Error() string { return "String could not be parsed as XML" }

func invalidUTF8(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func (p *markupParser) characters() {
	end := strings.IndexByte(p.in[p.at:], '<')
	if end < 0 {
		end = len(p.in) - p.at
	}
	content, ok := p.unescape(p.in[p.at : p.at+end])
	if !ok {
		return
	}
	p.top().pieces.WriteString(content)
	p.at += end
}

func (p *markupParser) cdata() {
	p.at += len("<![CDATA[")
	end := strings.Index(p.in[p.at:], "]]>")
	if end < 0 {
		p.at = len(p.in)
		p.fault("CData section not finished")
		return
	}
	p.top().pieces.WriteString(newlines.Replace(p.in[p.at : p.at+end]))
	p.at += end + 3
}

// unescape replaces references. It reports false after recording a fault.
func (p *markupParser) unescape(s string) (string, bool) {
	s = newlines.Replace(s)
	if !strings.Contains(s, "&") {
		return s, true
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, rest, closed := strings.Cut(after, ";")
		switch {
		case after == "" || !nameStart(after[0]) && after[0] != '#':
			p.fault("xmlParseEntityRef: no name")
			return "", false
		case !closed || strings.ContainsAny(name, " \n\t&<"):
			p.fault("EntityRef: expecting ';'")
			return "", false
		}
		value, ok := named[name]
		if name[0] == '#' {
			value, ok = numeric(name[1:])
		}
		if !ok {
			p.fault(fmt.Sprintf("Entity '%s' not defined", name))
			return "", false
		}
		b.WriteString(value)
		s = rest
	}
}

// numeric decodes a character reference without its "&#" and ";".
func numeric(s string) (string, bool) {
	base := 10
	if hex, ok := strings.CutPrefix(s, "x"); ok {
		s, base = hex, 16
	}
	n, err := strconv.ParseUint(s, base, 32)
	legal := n == 9 || n == 10 || n == 13 || n >= 0x20 && utf8.ValidRune(rune(n)) && n != 0xFFFE && n != 0xFFFF
	if err != nil || !legal {
		return "", false
	}
	return string(rune(n)), true
}

func (p *markupParser) name() string {
	start := p.at
	for p.at < len(p.in) && (nameStart(p.in[p.at]) || p.at > start && nameRest(p.in[p.at])) {
		p.at++
	}
	return p.in[start:p.at]
}

func nameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || c >= utf8.RuneSelf
}

func nameRest(c byte) bool { return c >= '0' && c <= '9' || c == '-' || c == '.' }

func (p *markupParser) blanks() {
	for p.at < len(p.in) && strings.IndexByte(" \t\r\n", p.in[p.at]) >= 0 {
		p.at++
	}
}

// skipPast moves behind the next occurrence of end.
func (p *markupParser) skipPast(end string) {
	i := strings.Index(p.in[p.at:], end)
	if i < 0 {
		p.at = len(p.in)
		return
	}
	p.at += i + len(end)
}

// shownBefore is how much of a long line the parser shows before a fault.
const shownBefore = 80

// fault records a message at the current place.
func (p *markupParser) fault(message string) {
	start := strings.LastIndexByte(p.in[:p.at], '\n') + 1
	start = max(start, p.at-shownBefore)
	end := len(p.in)
	if i := strings.IndexByte(p.in[p.at:], '\n'); i >= 0 {
		end = p.at + i
	}
	end = min(end, start+shownBefore-1)
	end = max(end, start)
	p.faults = append(p.faults, markupFault{
		message: fmt.Sprintf("Entity: line %d: parser error : %s", p.line(p.at), message),
		line:    p.in[start:end],
		column:  p.at - start,
	})
}
