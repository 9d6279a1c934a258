package sandbox

import (
	"bytes"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

// uploaded is the file of a multipart request.
type uploaded struct {
	name     string
	declared string
	data     []byte
}

// largestImage is the size limit where the shop has none configured.
const largestImage = 8_000_000

// upload takes the file of the field "image" and checks it as the shop does.
func (r *run) upload() (uploaded, bool) {
	up, ok := r.filePart()
	limit := r.s.data.settingInt("PS_LIMIT_UPLOAD_IMAGE_VALUE") * 1_000_000
	if limit <= 0 {
		limit = largestImage
	}
	switch {
	case !ok || len(up.data) == 0:
		r.fail(http.StatusBadRequest, 76, "Please set an \"image\" parameter with image data for value")
	case len(up.data) > limit:
		r.fail(http.StatusBadRequest, 72, fmt.Sprintf("The image size is too large (maximum allowed is %d KB)", limit/1000))
	case !up.isImage():
		r.fail(http.StatusBadRequest, 76, "Image upload error : Image format not recognized, allowed formats are: gif, jpg, jpeg, jpe, png, webp")
	default:
		return up, true
	}
	return uploaded{}, false
}

// filePart finds the part. PHP fills in files for a real POST only, so a PUT
// never has one (452), and a PUT in disguise does (453).
func (r *run) filePart() (uploaded, bool) {
	if r.req.method != http.MethodPost {
		return uploaded{}, false
	}
	kind, params, err := mime.ParseMediaType(r.req.header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return uploaded{}, false
	}
	parts := multipart.NewReader(bytes.NewReader(r.req.body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return uploaded{}, false
		}
		if part.FormName() != "image" || part.FileName() == "" {
			continue
		}
		var data bytes.Buffer
		if _, err := data.ReadFrom(part); err != nil {
			return uploaded{}, false
		}
		return uploaded{name: part.FileName(), declared: part.Header.Get("Content-Type"), data: data.Bytes()}, true
	}
}

// isImage looks at the file name and at the content. Plain text counts as what
// the client declared it to be, and fails later (435).
func (u uploaded) isImage() bool {
	extensions := []string{".gif", ".jpg", ".jpeg", ".jpe", ".png", ".webp"}
	if !slices.Contains(extensions, strings.ToLower(path.Ext(u.name))) || u.declared == "application/octet-stream" {
		return false
	}
	kind := http.DetectContentType(u.data)
	if strings.HasPrefix(kind, "text/plain") {
		kind = u.declared
	}
	return strings.Contains(acceptedImages, kind) && kind != ""
}
