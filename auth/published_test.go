package auth

import "testing"

func TestPublishedExamplesAreTheVectors(t *testing.T) {
	file, published := vectors(t).BridgeHMAC, Published()
	if published.Secret != file.Secret || len(published.Examples) != len(file.Vectors) {
		t.Fatalf("%d examples, the file has %d", len(published.Examples), len(file.Vectors))
	}
	for _, e := range published.Examples {
		if got := Sign(published.Secret, e.StringToSign()); got != e.Signature || e.Signature == "" {
			t.Errorf("%s %s: signature %s, want %s", e.Method, e.URI, got, e.Signature)
		}
		if got := BodyHash([]byte(e.Body)); got != e.BodySHA256 {
			t.Errorf("%s %s: body hash %s, want %s", e.Method, e.URI, got, e.BodySHA256)
		}
	}
}
