package prestashop

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/prestashop-bridge/bridge/bridge"
)

// xmlType is what write bodies are sent as.
const xmlType = "text/xml; charset=utf-8"

// entity builds the body of a write: <prestashop><product>…. Nothing is
// pretty-printed, because white space inside a leaf becomes part of the value.
type entity struct {
	node string
	body bytes.Buffer
	err  error
}

func newEntity(node string) *entity { return &entity{node: node} }

// field adds a plain element.
func (e *entity) field(name, value string) *entity {
	e.open(name)
	e.text(name, value)
	e.body.WriteString("</" + name + ">")
	return e
}

// number adds an element with a whole number.
func (e *entity) number(name string, value int64) *entity {
	return e.field(name, strconv.FormatInt(value, 10))
}

// localized adds a multilingual element. It must hold every installed
// language: the shop wipes the ones left out (recording 125).
func (e *entity) localized(name string, values map[int64]string) *entity {
	e.open(name)
	for _, language := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&e.body, `<language id="%d">`, language)
		e.text(name, values[language])
		e.body.WriteString("</language>")
	}
	e.body.WriteString("</" + name + ">")
	return e
}

// categories adds the association that makes a product visible.
func (e *entity) categories(ids ...int64) *entity {
	e.body.WriteString("<associations><categories>")
	for _, id := range ids {
		fmt.Fprintf(&e.body, "<category><id>%d</id></category>", id)
	}
	e.body.WriteString("</categories></associations>")
	return e
}

func (e *entity) open(name string) { e.body.WriteString("<" + name + ">") }

func (e *entity) text(name, value string) {
	if err := carriable(value); err != nil {
		e.err = errors.Join(e.err, fmt.Errorf("%s: %w", name, err))
		return
	}
	e.err = errors.Join(e.err, xml.EscapeText(&e.body, []byte(value)))
}

// bytes gives the document, or an error for text that XML cannot carry.
func (e *entity) bytes() ([]byte, error) {
	if e.err != nil {
		return nil, refused(bridge.CodeUnprocessable, "The text cannot be sent to the shop: %v.", e.err)
	}
	var doc bytes.Buffer
	doc.WriteString(xml.Header)
	doc.WriteString(`<prestashop xmlns:xlink="http://www.w3.org/1999/xlink"><` + e.node + ">")
	doc.Write(e.body.Bytes())
	doc.WriteString("</" + e.node + "></prestashop>")
	return doc.Bytes(), nil
}

// carriable refuses what XML 1.0 has no form for, even escaped (section 2.2);
// encoding/xml would put U+FFFD in its place, silently.
func carriable(value string) error {
	if !utf8.ValidString(value) {
		return errors.New("it is not UTF-8")
	}
	for _, r := range value {
		legal := r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
		if !legal {
			return fmt.Errorf("it holds the character U+%04X, which XML cannot carry", r)
		}
	}
	return nil
}

// storedImageID reads the id out of the XML answer to an image upload
// (recording 431).
func storedImageID(body []byte) (int64, error) {
	var doc struct {
		XMLName xml.Name `xml:"prestashop"`
		ID      number   `xml:"image>id"`
	}
	if err := xml.Unmarshal(body, &doc); err != nil {
		return 0, err
	}
	if doc.ID <= 0 {
		return 0, errors.New("no image id in the answer")
	}
	return int64(doc.ID), nil
}
