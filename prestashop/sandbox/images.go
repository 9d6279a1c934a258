package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
)

// images answers /api/images, which follows rules of its own.
func (r *run) images() {
	segment := func(i int) string {
		if i < len(r.path) {
			return r.path[i]
		}
		return ""
	}
	kind, product, image := segment(1), segment(2), segment(3)
	switch {
	case kind == "":
		r.imageRoot()
	case !slices.Contains(imageKinds, kind):
		r.didYouMean(http.StatusBadRequest, 48, fmt.Sprintf("Image of type \"%s\" does not exists", kind), kind, imageKinds)
	case kind != "products":
		r.status, r.silent = http.StatusNotFound, true
	case product == "":
		r.imageOwners()
	case image == "":
		r.imagesOf(product)
	default:
		r.image(int(intval(product)), int(intval(image)))
	}
}

// imageKinds are the kinds of images a real shop has; only products have any here.
var imageKinds = []string{"general", "products", "categories", "manufacturers", "suppliers", "stores", "customizations"}

const acceptedImages = "image/gif, image/jpg, image/jpeg, image/pjpeg, image/png, image/webp, image/x-png"

// sized are the sizes a shop makes of each image, as (427) lists them.
var sized = []struct {
	id   int
	name string
}{{1, "cart_default"}, {4, "home_default"}, {5, "large_default"}, {3, "medium_default"}, {2, "small_default"}}

func (r *run) looksOnly() bool {
	if r.method == http.MethodGet || r.method == http.MethodHead {
		return true
	}
	r.fail(http.StatusMethodNotAllowed, 67, "This method is not allowed")
	return false
}

// imageRoot lists the kinds of images (426).
func (r *run) imageRoot() {
	if !r.looksOnly() {
		return
	}
	x := xmlRenderer{run: r}
	x.b.WriteString("<image_types>\n")
	for _, kind := range imageKinds {
		fmt.Fprintf(&x.b, "<%s xlink:href=\"%simages/%s\" get=\"true\" put=\"false\" post=\"false\" patch=\"false\" delete=\"false\" head=\"true\" upload_allowed_mimetypes=\"%s\"/>\n",
			kind, r.base(), kind, acceptedImages)
	}
	x.b.WriteString("</image_types>\n")
	r.raw, r.rawType = x.wrap(), xmlType
}

// imageOwners lists the products that have images (427).
func (r *run) imageOwners() {
	if !r.looksOnly() {
		return
	}
	x := xmlRenderer{run: r}
	var ids []any
	x.b.WriteString("<image_types>\n")
	for _, size := range sized {
		ids = append(ids, int64(size.id))
		fmt.Fprintf(&x.b, "<image_type id=\"%d\" name=\"%s\" xlink:href=\"%simage_types/%d\"/>\n", size.id, size.name, r.base(), size.id)
	}
	x.b.WriteString("</image_types>\n<images>\n")
	owners := map[int]bool{}
	for _, stored := range r.s.data.pictures.rows {
		owners[stored.int("id_product")] = true
	}
	for _, id := range sortedKeys(owners) {
		ids = append(ids, int64(id))
		fmt.Fprintf(&x.b, "<image id=\"%d\" xlink:href=\"%simages/products/%d\"/>\n", id, r.base(), id)
	}
	x.b.WriteString("</images>\n")
	r.raw, r.rawType = x.wrap(), xmlType
	r.imageWarnings(ids)
}

// imageWarnings turns a JSON image list into the 500 a real shop makes of it:
// a list under an empty key and one warning for each entry (427, 430).
func (r *run) imageWarnings(ids []any) {
	if !r.json {
		return
	}
	var items []any
	for _, id := range ids {
		items = append(items, jsonObject{{"id", id}})
		r.warn(`Undefined array key "objectsNodeName"`, "webservice/WebserviceOutputJSON.php", 127)
	}
	r.prefix = jsonObject{{"", items}}
}

// imagesOf lists or adds images of a product.
func (r *run) imagesOf(product string) {
	id := int(intval(product))
	if r.method == http.MethodPost {
		r.addImage(id)
		return
	}
	if !r.looksOnly() {
		return
	}
	images := r.s.data.pictures.where("id_product", id)
	if len(images) == 0 {
		r.status, r.silent = http.StatusNotFound, true // (428)
		return
	}
	x := xmlRenderer{run: r}
	ids := []any{str(int64(id))}
	fmt.Fprintf(&x.b, "<image id=\"%d\">\n", id)
	for _, image := range images {
		ids = append(ids, int64(image))
		fmt.Fprintf(&x.b, "<declination id=\"%d\" xlink:href=\"%simages/products/%d/%d\"/>\n", image, r.base(), id, image)
	}
	x.b.WriteString("</image>\n")
	r.raw, r.rawType = x.wrap(), xmlType
	r.imageWarnings(ids)
	if r.json {
		r.fail(http.StatusInternalServerError, 61, "This image does not exist on disk")
	}
}

// image shows, replaces or deletes one image.
func (r *run) image(product, image int) {
	stored := r.s.data.pictures.rows[image]
	replaced := r.method == http.MethodPut
	switch {
	case stored == nil || stored.int("id_product") != product:
		r.fail(http.StatusBadRequest, 57, "This image id does not exist") // (447, 449)
	case r.method == http.MethodGet || r.method == http.MethodHead:
		r.show(image)
	case r.method == http.MethodDelete:
		// The row goes, then the shop dies on the files (454).
		r.betweenReadAndWrite()
		r.s.data.dropPicture(image)
		r.s.effects.wrote(r.method, "images", image)
		r.fatal = true
	case replaced:
		if upload, ok := r.upload(); ok {
			if p, ok := convert(upload.data); ok {
				r.s.data.files[image] = p
				r.s.effects.wrote(r.method, "images", image)
				r.raw, r.rawType = p.data, p.mime // (453)
			}
		}
	default:
		r.fail(http.StatusMethodNotAllowed, 67, "This method is not allowed")
	}
}

func (r *run) show(image int) {
	p, ok := r.s.data.files[image]
	if !ok {
		r.fail(http.StatusInternalServerError, 61, "This image does not exist on disk")
		return
	}
	if p.demo > 0 {
		p = demoPicture(p.demo)
	}
	r.raw, r.rawType = p.data, p.mime
}

// addImage adds an image to a product. Success is a 200 and not a 201 (431).
func (r *run) addImage(product int) {
	up, ok := r.upload()
	if !ok {
		return
	}
	d := r.s.data
	if d.of(products).rows[product] == nil {
		r.fail(http.StatusBadRequest, 76, fmt.Sprintf("Product %d does not exist", product))
		return
	}
	r.betweenReadAndWrite()
	// The row is made before the file is understood, so a file that is no
	// image leaves a row without a file (435, 443).
	id := d.addPicture(product)
	p, ok := convert(up.data)
	if !ok {
		r.fail(http.StatusBadRequest, 76, "An error occurred while copying image")
		return
	}
	d.files[id] = p
	r.s.effects.wrote(r.method, "images", id)
	r.s.effects.image()
	if r.json {
		r.raw, r.rawType = p.data, p.mime // the bytes instead of the new id (433)
		return
	}
	r.raw, r.rawType = r.imageAnswer(id, p), xmlType
}

// imageAnswer describes a new image.
func (r *run) imageAnswer(id int, p picture) []byte {
	stored := r.s.data.pictures.rows[id]
	cover := ""
	if stored.int("cover") == 1 {
		cover = "1"
	}
	x := xmlRenderer{run: r}
	x.b.WriteString("<image>\n")
	for _, f := range []struct{ name, value string }{
		{"id", str(id)}, {"id_product", stored.str("id_product")}, {"position", stored.str("position")}, {"cover", cover},
	} {
		fmt.Fprintf(&x.b, "<%s>%s</%s>\n", f.name, cdata(f.value), f.name)
	}
	x.b.WriteString("<legend>")
	for _, language := range r.languages {
		fmt.Fprintf(&x.b, "<language id=\"%d\" xlink:href=\"%slanguages/%d\">%s</language>", language, r.base(), language, cdata(""))
	}
	fmt.Fprintf(&x.b, "</legend>\n</image>\n<content encode=\"base64\">%s</content>\n", cdata(base64.StdEncoding.EncodeToString(p.data)))
	return x.wrap()
}
