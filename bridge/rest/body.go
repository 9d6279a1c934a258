package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

const (
	// smallBody is what every request may hold without asking: ordinary
	// requests, the largest usual import included, never wait for each other.
	smallBody = 64 << 10
	// readingBudget bounds the large bodies that are being received or kept,
	// workingBudget those being decoded, parsed and validated. The latter is
	// one request of the largest size: a byte of JSON costs up to forty bytes
	// of memory when a schema finds fault with all of it.
	readingBudget = 32 << 20
	workingBudget = 10 << 20
	// budgetPatience is how long a large body waits for its turn.
	budgetPatience = 20 * time.Second
)

// bodies reads request bodies within the limits of the contract. A visit takes
// its share for reading before its share for working, never the other way
// round, so that two visits cannot wait for each other.
type bodies struct {
	max              int64
	recommendedAbove int64
	requiredAbove    int64
	reading          *budget
	working          *budget
}

func newBodies(d *Door) *bodies {
	return &bodies{
		max:              d.MaxPayloadBytes,
		recommendedAbove: d.GzipRecommendedAbove,
		requiredAbove:    d.GzipRequiredAbove,
		reading:          newBudget(max(readingBudget, d.MaxPayloadBytes)),
		working:          newBudget(max(workingBudget, d.MaxPayloadBytes)),
	}
}

// size refuses a body that is announced too large, before any of it is read. A
// body of unknown length is measured while it is read.
func (b *bodies) size(v *visit) error {
	if v.r.ContentLength > b.max {
		return b.tooLarge(v)
	}
	return nil
}

// tooLarge ends the connection too: the rest of the body would otherwise be
// taken for the next request or have to be read.
func (b *bodies) tooLarge(v *visit) error {
	v.w.Header().Set("Connection", "close")
	fault := bridge.Fault(bridge.CodePayloadTooLarge, nil, "The payload has more than %d bytes.", b.max)
	fault.Rule = policies.MaxPayload
	return fault
}

// read takes in the body as sent, at most one byte more than is allowed.
func (b *bodies) read(v *visit) error {
	if v.r.Body == nil || v.r.Body == http.NoBody {
		return nil
	}
	body, err := readUpTo(nil, v.r.Body, min(smallBody, b.max+1))
	if err == nil && len(body) == smallBody {
		if _, err := b.reserve(v, b.reading, b.announced(v.r)); err != nil {
			return err
		}
		// One allocation with room for the reader's look past the end: growing
		// on the way would hold the body twice.
		whole := make([]byte, len(body), b.announced(v.r)+2*bytes.MinRead)
		copy(whole, body)
		body, err = readUpTo(whole, v.r.Body, b.max+1)
	}
	if err != nil {
		return bridge.Fault(bridge.CodeInvalidRequest, err, "The body broke off before its end.")
	}
	if int64(len(body)) > b.max {
		return b.tooLarge(v)
	}
	v.body = body
	return nil
}

// announced is the length of the body, the largest allowed when unknown.
func (b *bodies) announced(r *http.Request) int64 {
	if r.ContentLength < 0 {
		return b.max
	}
	return r.ContentLength
}

// readUpTo appends to what is already there until the end or the limit.
func readUpTo(have []byte, from io.Reader, limit int64) ([]byte, error) {
	buffer := bytes.NewBuffer(have)
	_, err := buffer.ReadFrom(io.LimitReader(from, limit-int64(len(have))))
	return buffer.Bytes(), err
}

// reserve takes a share of a budget for the rest of the visit.
func (b *bodies) reserve(v *visit, from *budget, share int64) (*hold, error) {
	ctx, cancel := context.WithTimeout(v.r.Context(), budgetPatience)
	defer cancel()
	held, err := from.take(ctx, share)
	if err != nil {
		fault := bridge.Fault(bridge.CodeOverloaded, err, "Too many large requests are in work at this moment.")
		fault.RetryAfter = budgetPatience / 4
		return nil, fault
	}
	v.held = append(v.held, held)
	return held, nil
}

// decode turns a body into the JSON text the hub reads.
func (b *bodies) decode(v *visit) error {
	if !v.takes {
		return nil
	}
	gzipped, known := encodingOf(v.r.Header)
	if !known {
		return encodingRefused(v, "The body may be encoded with gzip only.")
	}
	if gzipped {
		return b.unpack(v)
	}
	size := int64(len(v.body))
	if size > b.requiredAbove {
		return encodingRefused(v, "A payload above %d bytes must be sent with Content-Encoding: gzip.", b.requiredAbove)
	}
	if size > b.recommendedAbove {
		v.w.Header().Set("Warning", gzipHint(b.recommendedAbove))
	}
	v.arguments = v.body
	if size < smallBody {
		return nil
	}
	_, err := b.reserve(v, b.working, size)
	return err
}

// unpack decompresses to at most one byte more than is allowed, whatever the
// ratio: a few kilobytes may stand for gigabytes.
func (b *bodies) unpack(v *visit) error {
	packed := bytes.NewReader(v.body)
	stream, err := gzip.NewReader(packed)
	if err != nil {
		return notGzip(err)
	}
	// Exactly one member: what was signed is one message, and a second member
	// or trailing bytes are what one reader of it sees and another does not.
	stream.Multistream(false)
	text, err := readUpTo(nil, stream, min(smallBody, b.max+1))
	if err == nil && len(text) == smallBody {
		held, refused := b.reserve(v, b.working, b.max)
		if refused != nil {
			return refused
		}
		text, err = readUpTo(text, stream, b.max+1)
		held.shrink(int64(cap(text)))
	}
	switch {
	case err != nil:
		return notGzip(err)
	case int64(len(text)) > b.max:
		return b.tooLarge(v)
	case packed.Len() > 0:
		return notGzip(errors.New("bytes after the first member"))
	}
	v.arguments = text
	return nil
}

func notGzip(err error) error {
	return bridge.Fault(bridge.CodeInvalidRequest, err, "The body is not one complete gzip member, though Content-Encoding says gzip.")
}
