package prestashop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

// imageStep fetches one image and adds it to the item's product. Each POST
// adds another image, and the shop stores it re-encoded, so nothing read back
// can be compared with what was sent: only the set of image ids tells.
type imageStep struct {
	shop    *Shop
	item    importItem
	address string
	name    string
	fetched *picture // from Baseline to Send; not journalled, images are large
}

// imageNote is an image step in the journal.
type imageNote struct {
	Product int64   `json:"product"`
	Known   []int64 `json:"known"` // the product's images before
	SHA256  string  `json:"sha256"`
}

// imageFacts is what people see of an image step.
type imageFacts struct {
	ImageID int64  `json:"image_id"`
	SHA256  string `json:"sha256"`
}

func (i *imageStep) step(tolerated bool) bridge.Step {
	return bridge.Step{Name: i.name, Baseline: i.baseline, Send: i.send, Check: i.check, Tolerated: tolerated}
}

func (i *imageStep) baseline(ctx context.Context, done bridge.Journal) (b bridge.Baseline, err error) {
	product, err := i.item.productOf(done)
	if err != nil {
		return b, err
	}
	b.Target = bridge.ProductTarget(product.ProductID)
	if product.LeftAlone {
		b.Skip = "left alone with its product"
		return b, nil
	}
	if err := i.fetch(ctx); err != nil {
		return b, err
	}
	if twin, found := i.twin(done); found {
		i.fetched = nil
		b.Skip, b.After = "the same image as an earlier one of this item", pack(twin)
		return b, nil
	}
	found, err := row[productRow](ctx, i.shop.client, "products", product.ProductID)
	if err != nil {
		return b, err
	}
	known := append([]int64{}, found.Associations.Images...)
	earlier, err := i.shop.memory.Image(ctx, product.ProductID, i.fetched.sha256())
	if err != nil {
		return b, err
	}
	if earlier != 0 && slices.Contains(known, earlier) { // a person may have removed it since
		b.Skip, b.After = "imported before", pack(imageFacts{ImageID: earlier, SHA256: i.fetched.sha256()})
		return b, nil
	}
	b.Data = pack(imageNote{Product: product.ProductID, Known: known, SHA256: i.fetched.sha256()})
	return b, nil
}

// fetch downloads the image once; a baseline may be read several times.
func (i *imageStep) fetch(ctx context.Context) (err error) {
	if i.fetched != nil {
		return nil
	}
	settings, err := i.shop.settings.configuration.get(ctx)
	if err != nil {
		return err
	}
	limit := min(settings.number("PS_LIMIT_UPLOAD_IMAGE_VALUE", defaultImageMegabytes), maxImageMegabytes)
	i.fetched, err = i.shop.images.fetch(ctx, i.address, limit*1000*1000)
	return err
}

// twin finds an earlier image of the item with the same bytes.
func (i *imageStep) twin(done bridge.Journal) (imageFacts, bool) {
	for _, rec := range done {
		if !strings.HasPrefix(rec.Name, stepImage) || rec.State != bridge.StepApplied {
			continue
		}
		if facts, err := unpack[imageFacts](rec.After); err == nil && facts.SHA256 == i.fetched.sha256() {
			return facts, true
		}
	}
	return imageFacts{}, false
}

func (i *imageStep) send(ctx context.Context, b bridge.Baseline) (effect bridge.Effect, err error) {
	note, err := unpack[imageNote](b.Data)
	if err != nil {
		return effect, err
	}
	sent := i.fetched
	if sent == nil {
		return effect, unreached("The image must be fetched again.", nil)
	}
	i.fetched = nil // large; a second Send comes with its own Baseline
	id, err := i.shop.client.postImage(ctx, note.Product, sent)
	if err != nil {
		return effect, err
	}
	if added, err := i.shop.imagesSince(ctx, note); err == nil && len(added) > 1 {
		return effect, twice("the image")
	}
	i.shop.remember(ctx, note, id)
	return bridge.Effect{After: pack(imageFacts{ImageID: id, SHA256: note.SHA256})}, nil
}

// remember keeps what a stored image was made from. It happens before the step
// is journalled as applied, so a job killed in between remembers it when its
// check finds the image. A memory that fails costs a later import a duplicate,
// not this one its truth.
func (s *Shop) remember(ctx context.Context, note imageNote, imageID int64) {
	if err := s.memory.RememberImage(context.WithoutCancel(ctx), note.Product, note.SHA256, imageID); err != nil {
		s.log.WarnContext(ctx, "an image is not remembered; importing it again would add it again", "product", note.Product, "image", imageID, "error", err)
	}
}

// imagesSince lists the product's images that were not there before.
func (s *Shop) imagesSince(ctx context.Context, note imageNote) ([]int64, error) {
	found, err := row[productRow](ctx, s.client, "products", note.Product)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found.Associations.Images, func(id int64) bool { return slices.Contains(note.Known, id) }), nil
}

func (i *imageStep) check(ctx context.Context, b bridge.Baseline) (bridge.Finding, error) {
	note, err := unpack[imageNote](b.Data)
	if err != nil {
		return bridge.Finding{}, err
	}
	added, err := i.shop.imagesSince(ctx, note)
	if err != nil {
		return bridge.Finding{}, err
	}
	switch len(added) {
	case 0:
		return notApplied(), nil
	case 1:
		i.shop.remember(ctx, note, added[0])
		return applied(imageFacts{ImageID: added[0], SHA256: note.SHA256}, "found applied"), nil
	}
	return cannotKnow("product %d has %d new images (%v), one was sent", note.Product, len(added), added), nil
}

// postImage uploads an image. The shop wants a file field named image with a
// real image type (recordings 436, 437), and answers with the new id in XML;
// as JSON it would answer the raw bytes (recording 433).
func (c *client) postImage(ctx context.Context, product int64, p *picture) (int64, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="image"; filename="image.%s"`, p.extension)},
		"Content-Type":        {p.mime},
	})
	if err == nil {
		_, err = part.Write(p.bytes)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return 0, refused(bridge.CodeInternal, "the upload could not be built")
	}
	out := call{
		method: http.MethodPost, resource: "images/products", id: product,
		body: body.Bytes(), contentType: form.FormDataContentType(), xmlAnswer: true,
	}
	a, err := c.do(ctx, out)
	if err != nil {
		return 0, err
	}
	id, err := storedImageID(a.body)
	if err != nil {
		return 0, unreadable(out, err)
	}
	return id, nil
}

// picture is a fetched image.
type picture struct {
	bytes           []byte
	mime, extension string
}

func (p *picture) sha256() string {
	sum := sha256.Sum256(p.bytes)
	return hex.EncodeToString(sum[:])
}
