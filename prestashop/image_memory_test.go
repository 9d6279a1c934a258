package prestashop_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// notebook is an ImageMemory that a test can look into.
type notebook struct {
	mu    sync.Mutex
	notes map[string]int64
}

func (n *notebook) Image(_ context.Context, product int64, sum string) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.notes[fmt.Sprint(product, sum)], nil
}

func (n *notebook) RememberImage(_ context.Context, product int64, sum string, id int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.notes == nil {
		n.notes = map[string]int64{}
	}
	n.notes[fmt.Sprint(product, sum)] = id
	return nil
}

func TestAnImageImportedBeforeIsNotAddedAgain(t *testing.T) {
	stand, address := startSandbox(t)
	images := imageServer(t)
	memory := &notebook{}
	shop := connect(t, address, sandboxKey, images, func(o *prestashop.Options) { o.Memory = memory })
	item := schemas.ImportItem{Reference: fresh, Name: schemas.LocalizedName{"en": "Framed"}, PriceHT: *money(t, "3"), Images: []string{images + "/1.png"}}

	first := importOne(t, shop, item, nil)
	again := importOne(t, shop, item, nil)
	if first.Images[0].ImageID == 0 || again.Images[0].ImageID != first.Images[0].ImageID || stand.Effects().Images != 1 {
		t.Errorf("first %+v, again %+v, %d images stored", first.Images, again.Images, stand.Effects().Images)
	}

	t.Run("an answer lost on the way is remembered by its check", func(t *testing.T) {
		stand.Inject(sandbox.Fault{Method: "POST", Resource: "images", Nth: 1, Act: sandbox.ApplyThenCut()})
		item.Images = []string{images + "/2.png"}
		importOne(t, shop, item, nil)
		importOne(t, shop, item, nil)
		if stored := stand.Effects().Images; stored != 2 {
			t.Errorf("%d images stored, want 2", stored)
		}
	})
	t.Run("one that a person removed is added again", func(t *testing.T) {
		item.Images = []string{images + "/3.png"}
		importOne(t, shop, item, nil)
		for key := range memory.notes {
			memory.notes[key] = 99999 // an id the product does not have
		}
		importOne(t, shop, item, nil)
		if stored := stand.Effects().Images; stored != 4 {
			t.Errorf("%d images stored, want 4", stored)
		}
	})
}
