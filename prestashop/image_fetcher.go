package prestashop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/egress"
	"github.com/prestashop-bridge/bridge/policies"
)

// The bounds of a download. A shop can allow larger images than anyone should
// put into a job.
const (
	maxImageRedirects     = 3
	defaultImageMegabytes = 2 // of a fresh shop
	maxImageMegabytes     = 20
)

// imageTypes are what the shop takes (recording 437), by sniffed type, with
// what reads their head.
var imageTypes = map[string]struct {
	extension string
	head      func(io.Reader) (image.Config, error)
}{
	"image/gif":  {"gif", gif.DecodeConfig},
	"image/jpeg": {"jpg", jpeg.DecodeConfig},
	"image/png":  {"png", png.DecodeConfig},
	"image/webp": {"webp", nil},
}

// imageFetcher downloads images from addresses a client chose.
type imageFetcher struct{ http *egress.Client }

func newImageFetcher(book policies.Book, timeout time.Duration) *imageFetcher {
	return &imageFetcher{http: egress.NewClient(book, egress.Options{Timeout: timeout, Redirects: maxImageRedirects})}
}

// imageFault is a refusal of an image; the item fails with it, or goes on
// where image errors are skipped.
func imageFault(address, format string, args ...any) error {
	return bridge.Fault(bridge.CodeUnprocessable, nil, "The image %s cannot be imported: %s.", address, fmt.Sprintf(format, args...))
}

// fetch downloads one image of at most limit bytes. An address that does not
// answer is tried twice and then refused: the job must not wait for a stranger
// as it does for the shop.
func (f *imageFetcher) fetch(ctx context.Context, address string, limit int64) (*picture, error) {
	if err := f.http.Allowed(address); err != nil {
		return nil, blocked(address, err)
	}
	raw, err := f.download(ctx, address, limit)
	if again := (passing{}); errors.As(err, &again) && ctx.Err() == nil {
		raw, err = f.download(ctx, address, limit)
	}
	switch {
	case ctx.Err() != nil:
		return nil, unreached("The attempt ended while an image was fetched.", ctx.Err())
	case egress.Refused(err):
		return nil, blocked(address, err)
	case err != nil:
		return nil, imageFault(address, "%v", err)
	}
	return recognise(address, raw)
}

// blocked is a refusal by the rule that keeps the bridge out of private
// networks.
func blocked(address string, err error) error {
	why := policies.ErrAddressRefused
	if errors.Is(err, policies.ErrPlainHTTP) {
		why = policies.ErrPlainHTTP
	}
	fault := bridge.Fault(bridge.CodePolicyRefused, err, "The image %s is not fetched: %v.", address, why)
	fault.Rule = policies.NoDirectAccess
	return fault
}

// passing is an error that may be gone at the next try.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

func (f *imageFetcher) download(ctx context.Context, address string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address cannot be parsed")
	}
	req.Header.Set("Accept", "image/webp,image/png,image/jpeg,image/gif")
	resp, err := f.http.Do(req)
	if egress.Refused(err) {
		return nil, err
	}
	if err != nil {
		return nil, passing{egress.Bare(err)}
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 500:
		return nil, passing{fmt.Errorf("its server answered %d", resp.StatusCode)}
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("its server answered %d", resp.StatusCode)
	case resp.ContentLength > limit:
		return nil, fmt.Errorf("it is larger than the shop takes, %d bytes", limit)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, passing{errors.New("the download broke off")}
	case int64(len(raw)) > limit:
		return nil, fmt.Errorf("it is larger than the shop takes, %d bytes", limit)
	}
	return raw, nil
}

// recognise tells the type from the bytes, never from a name or header. The
// shop keeps an empty image row for a file it cannot decode (recording 435),
// so a broken head is found here; WebP has no decoder at hand.
func recognise(address string, raw []byte) (*picture, error) {
	mime := http.DetectContentType(raw)
	kind, known := imageTypes[mime]
	if !known {
		return nil, imageFault(address, "it is no gif, jpeg, png or webp image")
	}
	if kind.head != nil {
		if _, err := kind.head(bytes.NewReader(raw)); err != nil {
			return nil, imageFault(address, "its content is damaged")
		}
	}
	return &picture{bytes: raw, mime: mime, extension: kind.extension}, nil
}
