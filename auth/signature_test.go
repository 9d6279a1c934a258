package auth

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

type vectorFile struct {
	BridgeHMAC struct {
		Secret  string
		Vectors []struct {
			Method, URI string
			Timestamp   int64
			RequestID   string `json:"request_id"`
			Body        string
			BodySHA256  string `json:"body_sha256"`
			Signature   string
		}
	} `json:"bridge_hmac"`
}

func vectors(t testing.TB) vectorFile {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPublishedSignatureVectors(t *testing.T) {
	file := vectors(t).BridgeHMAC
	if len(file.Vectors) != 6 {
		t.Fatalf("got %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		hash := BodyHash([]byte(v.Body))
		if hash != v.BodySHA256 {
			t.Errorf("%s: body hash %s", v.URI, hash)
		}
		text := StringToSign(strings.ToLower(v.Method), v.URI, strconv.FormatInt(v.Timestamp, 10), strings.ToUpper(v.RequestID), hash)
		if got := Sign(file.Secret, text); got != v.Signature {
			t.Errorf("%s: signature %s, want %s", v.URI, got, v.Signature)
		}
		if !VerifySignature([]string{file.Secret}, text, v.Signature) {
			t.Errorf("%s: own signature refused", v.URI)
		}
	}
}

func TestStringToSignIsFiveLines(t *testing.T) {
	got := StringToSign("post", "/v1/x?b=2&a=%20", "1", "AB-C", "ff")
	if want := "POST\n/v1/x?b=2&a=%20\n1\nab-c\nff"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestVerifySignature(t *testing.T) {
	const text = "GET\n/\n1\nid\nhash"
	current, previous := Sign("new", text), Sign("old", text)
	for name, c := range map[string]struct {
		secrets   []string
		signature string
		want      bool
	}{
		"current secret":                   {[]string{"new", "old"}, current, true},
		"previous secret":                  {[]string{"new", "old"}, previous, true},
		"upper-case hex":                   {[]string{"new"}, strings.ToUpper(current), true},
		"no previous secret set":           {[]string{"new", ""}, previous, false},
		"no secret at all":                 {nil, current, false},
		"empty secret signs nothing":       {[]string{"", ""}, Sign("", text), false},
		"altered signature":                {[]string{"new"}, "0" + current[1:len(current)-1] + "0", false},
		"cut signature":                    {[]string{"new"}, current[:62], false},
		"longer signature":                 {[]string{"new"}, current + "00", false},
		"no hex":                           {[]string{"new"}, strings.Repeat("z", 64), false},
		"white space":                      {[]string{"new"}, " " + current, false},
		"empty signature":                  {[]string{"new"}, "", false},
		"the secret's hex digits as bytes": {[]string{"6e6577"}, current, false},
	} {
		if got := VerifySignature(c.secrets, text, c.signature); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTimestampWindowIncludesBothEnds(t *testing.T) {
	now := time.Unix(1710950400, 999_000_000)
	const window = 30 * time.Second
	for header, want := range map[string]error{
		"1710950400":             nil,
		"1710950370":             nil,
		"1710950430":             nil,
		"1710950369":             ErrTimestampWindow,
		"1710950431":             ErrTimestampWindow,
		"0":                      ErrTimestampWindow,
		"999999999999":           ErrTimestampWindow,
		"1710950400000":          ErrTimestampFormat, // milliseconds
		"":                       ErrTimestampFormat,
		"+1710950400":            ErrTimestampFormat,
		"-1710950400":            ErrTimestampFormat,
		" 1710950400":            ErrTimestampFormat,
		"1710950400 ":            ErrTimestampFormat,
		"1710950400\n":           ErrTimestampFormat,
		"01710950400":            ErrTimestampFormat,
		"1710950400.0":           ErrTimestampFormat,
		"1.7109504e9":            ErrTimestampFormat,
		"0x65fb0000":             ErrTimestampFormat,
		"1_710_950_400":          ErrTimestampFormat,
		"１７１０９５０４００":             ErrTimestampFormat,
		"99999999999999999999":   ErrTimestampFormat,
		"2024-03-20T16:00:00Z":   ErrTimestampFormat,
		strings.Repeat("9", 100): ErrTimestampFormat,
	} {
		if got := CheckTimestamp(header, now, window); !errors.Is(got, want) || (got == nil) != (want == nil) {
			t.Errorf("CheckTimestamp(%q) = %v, want %v", header, got, want)
		}
	}
}

func FuzzCheckTimestamp(f *testing.F) {
	f.Add("1710950400", int64(1710950400))
	f.Add("-1", int64(0))
	f.Fuzz(func(t *testing.T, header string, unix int64) {
		if CheckTimestamp(header, time.Unix(unix, 0), 30*time.Second) != nil {
			return
		}
		// What passes re-encodes to the same text and is truly near.
		sent, err := strconv.ParseInt(header, 10, 64)
		if err != nil || strconv.FormatInt(sent, 10) != header || sent-unix > 30 || unix-sent > 30 {
			t.Errorf("passed %q at %d", header, unix)
		}
	})
}

func FuzzVerifySignature(f *testing.F) {
	f.Add("secret", "text", "00")
	f.Fuzz(func(t *testing.T, secret, text, signature string) {
		genuine := Sign(secret, text)
		if VerifySignature([]string{"", secret}, text, signature) && !strings.EqualFold(signature, genuine) {
			t.Errorf("accepted %q", signature)
		}
		if secret != "" && !VerifySignature([]string{"other", secret}, text, genuine) {
			t.Errorf("refused its own signature")
		}
	})
}
