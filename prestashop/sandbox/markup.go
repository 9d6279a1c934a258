package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// element is one element of a request body. Only what the shop looks at is
// kept: namespaces, comments and processing instructions are dropped.
type element struct {
	name       string
	attributes map[string]string
	content    string // text directly inside, as SimpleXML gives it
	children   []*element
}

// child gives the first child of a name, nil if there is none.
func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// deepest is how deep elements may nest; the parser of the shop has the same limit.
const deepest = 256

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

// markupParser reads a body. It is written by hand because the shop repeats
// its parser's messages to the client (161, 164, 165).
type markupParser struct {
	in     string
	at     int
	faults []markupFault
	open   []*element
	lines  []int // line each open element began in
}

// parseMarkup reads a body into its root element.
func parseMarkup(in string) (*element, error) {
	in = strings.TrimPrefix(in, "\ufeff") // (169)
	p := &markupParser{in: in}
	if in == "" {
		return nil, &markupError{} // no message at all (163)
	}
	if at := invalidUTF8(in); at >= 0 {
		p.at = at
		p.fault("Input is not proper UTF-8, indicate encoding !")
		return nil, &markupError{p.faults}
	}
	root := p.document()
	if len(p.faults) > 0 {
		return nil, &markupError{p.faults}
	}
	return root, nil
}

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

func (p *markupParser) document() *element {
	p.misc()
	if !strings.HasPrefix(p.in[p.at:], "<") {
		if p.at >= len(p.in) {
			p.fault("Document is empty")
		}
		p.fault("Start tag expected, '<' not found")
		return nil
	}
	root := p.elements()
	if len(p.faults) > 0 {
		return nil
	}
	p.misc()
	if p.at < len(p.in) {
		p.fault("Extra content at the end of the document")
	}
	return root
}

// misc skips what may stand before and after the root element.
func (p *markupParser) misc() {
	for {
		p.blanks()
		rest := p.in[p.at:]
		switch {
		case strings.HasPrefix(rest, "<?"):
			p.skipPast("?>")
		case strings.HasPrefix(rest, "<!--"):
			p.skipPast("-->")
		case strings.HasPrefix(rest, "<!DOCTYPE"):
			p.skipPast(">")
		default:
			return
		}
	}
}

// elements reads the root element and everything in it, without recursion: the
// depth of a body is up to the client.
func (p *markupParser) elements() *element {
	var root *element
	for len(p.faults) == 0 {
		if len(p.open) > 0 {
			p.characters()
		}
		rest := p.in[p.at:]
		switch {
		case len(p.faults) > 0:
		case rest == "":
			p.fault(fmt.Sprintf("Premature end of data in tag %s line %d", p.top().name, p.lines[len(p.lines)-1]))
		case strings.HasPrefix(rest, "<!--"):
			p.skipPast("-->")
		case strings.HasPrefix(rest, "<![CDATA["):
			p.cdata()
		case strings.HasPrefix(rest, "<?"):
			p.skipPast("?>")
		case strings.HasPrefix(rest, "</"):
			p.endTag()
		default:
			if e := p.startTag(); e != nil && root == nil {
				root = e
			}
		}
		if len(p.open) == 0 {
			break
		}
	}
	return root
}

func (p *markupParser) top() *element { return p.open[len(p.open)-1] }

func (p *markupParser) startTag() *element {
	line := 1 + strings.Count(p.in[:p.at], "\n")
	p.at++
	name := p.name()
	if name == "" {
		p.fault("StartTag: invalid element name")
		return nil
	}
	e := &element{name: name, attributes: map[string]string{}}
	for {
		p.blanks()
		rest := p.in[p.at:]
		switch {
		case strings.HasPrefix(rest, "/>"):
			p.at += 2
			p.attach(e)
			return e
		case strings.HasPrefix(rest, ">"):
			p.at++
			p.attach(e)
			p.open = append(p.open, e)
			p.lines = append(p.lines, line)
			if len(p.open) > deepest {
				p.fault(fmt.Sprintf("Excessive depth in document: %d use XML_PARSE_HUGE option", deepest))
			}
			return e
		}
		if !p.attribute(e) {
			if len(p.faults) == 0 {
				p.fault(fmt.Sprintf("Couldn't find end of Start Tag %s line %d", name, line))
			}
			return nil
		}
	}
}

// attach adds an element to the one it stands in. A prefixed name is in a
// namespace the shop never asks for, so it is as if it were not there.
func (p *markupParser) attach(e *element) {
	if len(p.open) > 0 && !strings.Contains(e.name, ":") {
		parent := p.top()
		parent.children = append(parent.children, e)
	}
}

func (p *markupParser) attribute(e *element) bool {
	name := p.name()
	if name == "" {
		return false
	}
	p.blanks()
	if !strings.HasPrefix(p.in[p.at:], "=") {
		p.fault("Specification mandates value for attribute " + name)
		return false
	}
	p.at++
	p.blanks()
	if p.at >= len(p.in) || p.in[p.at] != '"' && p.in[p.at] != '\'' {
		p.fault(`AttValue: " or ' expected`)
		return false
	}
	end := strings.IndexByte(p.in[p.at+1:], p.in[p.at])
	if end < 0 || strings.Contains(p.in[p.at+1:p.at+1+end], "<") {
		p.fault("Unescaped '<' not allowed in attributes values")
		return false
	}
	value, ok := p.unescape(p.in[p.at+1 : p.at+1+end])
	p.at += end + 2
	if _, twice := e.attributes[name]; twice {
		p.fault(fmt.Sprintf("Attribute %s redefined", name))
		return false
	}
	e.attributes[name] = value
	return ok
}

func (p *markupParser) endTag() {
	p.at += 2
	name := p.name()
	p.blanks()
	if strings.HasPrefix(p.in[p.at:], ">") {
		p.at++
	} else {
		p.fault("expected '>'")
		return
	}
	top, line := p.top(), p.lines[len(p.lines)-1]
	p.open, p.lines = p.open[:len(p.open)-1], p.lines[:len(p.lines)-1]
	if top.name == name {
		return
	}
	p.fault(fmt.Sprintf("Opening and ending tag mismatch: %s line %d and %s", top.name, line, name))
	if p.at >= len(p.in) && len(p.open) > 0 {
		// The parser goes on after a mismatch and runs into the end (164).
		p.fault(fmt.Sprintf("Premature end of data in tag %s line %d", p.top().name, p.lines[len(p.lines)-1]))
	}
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
	p.top().content += content
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
	p.top().content += newlines.Replace(p.in[p.at : p.at+end])
	p.at += end + 3
}

var (
	newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	named    = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}
)

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
	line := 1 + strings.Count(p.in[:p.at], "\n")
	start := strings.LastIndexByte(p.in[:p.at], '\n') + 1
	start = max(start, p.at-shownBefore)
	end := len(p.in)
	if i := strings.IndexByte(p.in[p.at:], '\n'); i >= 0 {
		end = p.at + i
	}
	end = min(end, start+shownBefore-1)
	end = max(end, start)
	p.faults = append(p.faults, markupFault{
		message: fmt.Sprintf("Entity: line %d: parser error : %s", line, message),
		line:    p.in[start:end],
		column:  p.at - start,
	})
}
