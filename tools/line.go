package tools

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
)

// line is one line of standard input. Of one that is too long only the ends are
// kept, enough to find the id that its sender waits for.
type line struct {
	text []byte
	tail []byte
	long bool
}

// keptOfLong is how much of either end of a too long line is kept.
const keptOfLong = 512

// lineReader splits a stream into lines without ever holding more than limit
// bytes of one.
type lineReader struct {
	in    *bufio.Reader
	limit int64
}

func newLineReader(in io.Reader, limit int64) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// next reads one line. With an error the line holds what came before it.
func (r *lineReader) next() (line, error) {
	var l line
	for {
		chunk, err := r.in.ReadSlice('\n')
		l.add(chunk, r.limit)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return l, err
	}
}

func (l *line) add(chunk []byte, limit int64) {
	if !l.long && int64(len(l.text)+len(chunk)) <= limit {
		l.text = append(l.text, chunk...)
		return
	}
	if !l.long {
		l.long = true
		l.tail = lastOf(l.text)
		l.text = bytes.Clone(l.text[:min(len(l.text), keptOfLong)])
	}
	l.tail = lastOf(append(l.tail, chunk...))
}

func lastOf(text []byte) []byte {
	return bytes.Clone(text[max(0, len(text)-keptOfLong):])
}

// idAtEnd is how JavaScript clients write a message: with the id behind the
// params. Right before the last brace a member belongs to the message itself.
var idAtEnd = regexp.MustCompile(`"id"\s*:\s*("[^"\\]*"|-?\d{1,16})\s*}\s*$`)

// id finds the id of a too long message at one of its ends; nil when it stands
// elsewhere.
func (l *line) id() json.RawMessage {
	c := cursor{text: l.text}
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		if name == "id" && validID(value) {
			return value
		}
	}
	if found := idAtEnd.FindSubmatch(l.tail); found != nil && validID(found[1]) {
		return found[1]
	}
	return nil
}
