package sandbox

import (
	"fmt"
	"strings"
)

// element is one element of a request body. Only what the shop looks at is
// kept: namespaces, comments and processing instructions are dropped.
type element struct {
	name       string
	attributes map[string]string
	content    string // text directly inside, as SimpleXML gives it
	children   []*element
	pieces     strings.Builder // content while it is being read
	began      int             // offset of the start tag
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

// markupParser reads a body. It is written by hand because the shop repeats
// its parser's messages to the client (161, 164, 165).
type markupParser struct {
	in     string
	at     int
	faults []markupFault
	open   []*element
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
		case len(p.open) == 0:
			root = p.startTag()
		case rest == "":
			p.fault(fmt.Sprintf("Premature end of data in tag %s line %d", p.top().name, p.line(p.top().began)))
		case strings.HasPrefix(rest, "<!--"):
			p.skipPast("-->")
		case strings.HasPrefix(rest, "<![CDATA["):
			p.cdata()
		case strings.HasPrefix(rest, "<?"):
			p.skipPast("?>")
		case strings.HasPrefix(rest, "</"):
			p.endTag()
		default:
			p.startTag()
		}
		if len(p.open) == 0 {
			break
		}
	}
	return root
}

func (p *markupParser) top() *element { return p.open[len(p.open)-1] }

func (p *markupParser) startTag() *element {
	began := p.at
	p.at++
	name := p.name()
	if name == "" {
		p.fault("StartTag: invalid element name")
		return nil
	}
	e := &element{name: name, attributes: map[string]string{}, began: began}
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
			if len(p.open) > deepest {
				p.fault(fmt.Sprintf("Excessive depth in document: %d use XML_PARSE_HUGE option", deepest))
			}
			return e
		}
		if !p.attribute(e) {
			if len(p.faults) == 0 {
				p.fault(fmt.Sprintf("Couldn't find end of Start Tag %s line %d", name, p.line(began)))
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
	top := p.top()
	p.open = p.open[:len(p.open)-1]
	top.content = top.pieces.String()
	if top.name == name {
		return
	}
	p.fault(fmt.Sprintf("Opening and ending tag mismatch: %s line %d and %s", top.name, p.line(top.began), name))
	if p.at >= len(p.in) && len(p.open) > 0 {
		// The parser goes on after a mismatch and runs into the end (164).
		p.fault(fmt.Sprintf("Premature end of data in tag %s line %d", p.top().name, p.line(p.top().began)))
	}
}

// line is the line number of an offset. It is counted only for a message:
// counting for every element would take as long as a client likes.
func (p *markupParser) line(offset int) int { return 1 + strings.Count(p.in[:offset], "\n") }

var (
	newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	named    = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}
)
