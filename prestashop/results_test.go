package prestashop_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// What clients find in a job's steps and result is a golden file; run with
// UPDATE_GOLDEN=1 to rewrite it.
func TestResultsGolden(t *testing.T) {
	s := newScene(t)
	image := schemas.ImportItem{Reference: fresh, Name: schemas.LocalizedName{"fr": "Théière"}, PriceHT: *money(t, "12.5"), StockQuantity: 4,
		Active: pointer(true), SEO: schemas.LocalizedSEO{"en": {MetaTitle: pointer("Teapot")}}, Images: []string{s.images + "/1.png", s.images + "/missing.png"}}
	var got bytes.Buffer
	for _, job := range []struct {
		title, kind string
		payload     any
	}{
		{"price, stock and texts", bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: 1, Options: &schemas.UpdateOptions{SkipReindex: true}, Updates: schemas.ProductUpdates{
			PriceHT: money(t, "8.50"), StockDelta: pointer(int64(-4)), SEO: schemas.LocalizedSEO{"fr": {MetaTitle: pointer("Carnet"), LinkRewrite: pointer("carnet")}}}}},
		{"an import with a missing image", bridge.OpImportProducts, schemas.ImportProducts{BatchID: "golden", Items: []schemas.ImportItem{image},
			Options: &schemas.ImportOptions{SkipImagesErrors: true}}},
		{"a shipment with mail", bridge.OpUpdateOrderStatus, shipment(t, s)},
		{"the same shipment again", bridge.OpUpdateOrderStatus, shipment(t, s)},
	} {
		outcome, result := perform(t, s.shop, job.kind, job.payload)
		var steps []map[string]any
		for _, rec := range outcome.Units[0].Journal {
			steps = append(steps, map[string]any{"name": rec.Name, "target": rec.Target, "state": rec.State, "before": rec.Before, "after": rec.After, "detail": rec.Detail})
		}
		shown, err := json.MarshalIndent(map[string]any{"steps": steps, "result": result}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString("== " + job.title + "\n" + string(shown) + "\n")
	}
	stable := got.Bytes()
	for _, varies := range []struct{ form, as string }{
		{`127\.0\.0\.1:\d+`, "images.test"}, {`"sha256": "[0-9a-f]{64}"`, `"sha256": "…"`}, {`"fix": "[^"]*"`, `"fix": "…"`},
	} {
		stable = regexp.MustCompile(varies.form).ReplaceAll(stable, []byte(varies.as))
	}
	path := filepath.Join("testdata", "results.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, stable, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stable, want) {
		t.Errorf("got\n%s\nwant\n%s", stable, want)
	}
}
