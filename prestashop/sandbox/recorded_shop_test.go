package sandbox

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"testing"
	"time"
)

const (
	recordedFullKey     = "REALSHOPFULLKEY00000000000000001"
	recordedBridgeKey   = "REALSHOPBRIDGEKEY000000000000002"
	recordedReadonlyKey = "REALSHOPREADONLYKEY0000000000003"
	recordedHost        = "127.0.0.1:8881"
)

// newRecordedShop rebuilds the shop the recordings were made with, as it was
// before the first of each series.
func newRecordedShop(t *testing.T) *Shop {
	t.Helper()
	clock := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	s, err := New(Options{Key: recordedFullKey, Empty: true, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	look := []string{"GET", "HEAD"}
	s.AddKey(Key{Value: recordedBridgeKey, Rights: Rights{
		"products": {"GET", "HEAD", "POST", "PATCH"}, "stock_availables": {"GET", "HEAD", "PATCH"},
		"images": {"GET", "HEAD", "POST", "DELETE"}, "orders": look, "order_histories": {"GET", "HEAD", "POST"},
		"order_carriers": {"GET", "HEAD", "PATCH"},
	}})
	s.AddKey(Key{Value: recordedReadonlyKey, Rights: Rights{"products": look, "stock_availables": look}})
	s.SetDomain(recordedHost)
	content, err := os.ReadFile("testdata/recorded_shop.json")
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(content, &parts); err != nil {
		t.Fatal(err)
	}
	d := s.data
	for _, r := range d.of(configurations).rows {
		if r["name"] == "PS_SHOP_NAME" {
			r["value"] = "Real Shop"
		}
	}
	d.makers[1] = "Studio Design"
	for name, part := range parts {
		if res := resources[name]; res != nil {
			d.tables[name] = newTable()
			for _, values := range decodeRows(t, part) {
				d.seed(res, values.int("id"), values)
			}
		}
	}
	d.shelves = map[int]*shelf{}
	var shelves map[int][]int
	decode(t, parts["shelves"], &shelves)
	for category, ids := range shelves {
		for _, id := range ids {
			d.shelve(category, id)
		}
	}
	seedLinks(t, parts["links"], d.links)
	seedLinks(t, parts["variants"], d.variants)
	for _, r := range decodeRows(t, parts["images"]) {
		id := d.addPicture(r.int("id_product"))
		if id != r.int("id") {
			t.Fatalf("image %d got id %d", r.int("id"), id)
		}
		d.files[id] = demoPicture(id)
	}
	return s
}

func decode(t *testing.T, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func seedLinks(t *testing.T, raw json.RawMessage, into map[int]map[string][]row) {
	t.Helper()
	var all map[int]map[string]json.RawMessage
	decode(t, raw, &all)
	for id, byName := range all {
		into[id] = map[string][]row{}
		for name, entries := range byName {
			into[id][name] = decodeRows(t, entries)
		}
	}
}

// decodeRows reads records as the shop answers them.
func decodeRows(t *testing.T, raw json.RawMessage) []row {
	t.Helper()
	var list []map[string]any
	decode(t, raw, &list)
	out := make([]row, len(list))
	for i, fields := range list {
		out[i] = row{}
		for name, v := range fields {
			switch v := v.(type) {
			case float64:
				out[i][name] = int64(v)
			case []any:
				values := texts{}
				for _, item := range v {
					language, _ := item.(map[string]any)
					id, _ := language["id"].(float64)
					values[int(id)], _ = language["value"].(string)
				}
				out[i][name] = values
			default:
				out[i][name] = v
			}
		}
	}
	return out
}

// samplePicture makes a file of a type.
func samplePicture(kind string) []byte {
	switch kind {
	case "image/png":
		return paint(32, 24, color.RGBA{200, 30, 30, 255}).data
	case "image/webp":
		return []byte("RIFF\x26\x00\x00\x00WEBPVP8 \x1a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x10\x00\x10\x00")
	case "text/plain":
		return []byte("not an image")
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30)), nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}
