package sandbox

import (
	"bytes"
	"image"
	"image/color"
	_ "image/gif" // uploads may be GIF
	"image/jpeg"
	"image/png"
	"net/http"
	"sync"
)

// picture is a stored image file.
type picture struct {
	mime string
	data []byte
	demo int // instead of both: a picture of the demo, painted when it is first shown
}

// most is the largest image taken, in pixels: decoding must stay cheap
// whatever a client sends.
const most = 16 << 20

// convert makes the file the shop keeps of an upload. It is encoded anew, so
// what is read back is not what was sent. WebP becomes PNG (434); having no
// decoder for it, the sandbox keeps a grey picture instead.
func convert(data []byte) (picture, bool) {
	if http.DetectContentType(data) == "image/webp" {
		return paint(64, 64, color.Gray{0x80}), true
	}
	config, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width*config.Height > most || config.Width <= 0 || config.Height <= 0 {
		return picture{}, false
	}
	decoded, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return picture{}, false
	}
	var out bytes.Buffer
	if kind == "jpeg" {
		if jpeg.Encode(&out, decoded, &jpeg.Options{Quality: 90}) != nil {
			return picture{}, false
		}
		return picture{mime: "image/jpeg", data: out.Bytes()}, true
	}
	if png.Encode(&out, decoded) != nil {
		return picture{}, false
	}
	return picture{mime: "image/png", data: out.Bytes()}, true
}

// paint makes a PNG of one colour with a lighter disc, so that demo pictures
// can be told apart.
func paint(width, height int, c color.Color) picture {
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	r, g, b, _ := c.RGBA()
	light := func(v uint32) uint8 { return uint8(0x80 + v>>9) }
	disc := color.RGBA{light(r), light(g), light(b), 0xff}
	for y := range height {
		for x := range width {
			dx, dy := x-width/2, y-height/2
			if dx*dx+dy*dy < width*height/9 {
				canvas.Set(x, y, disc)
			} else {
				canvas.Set(x, y, c)
			}
		}
	}
	var out bytes.Buffer
	// Encoding into a buffer cannot fail.
	_ = png.Encode(&out, canvas)
	return picture{mime: "image/png", data: out.Bytes()}
}

// demoPictures is how many pictures /img/demo serves.
const demoPictures = 24

// demoAlbum paints the pictures of the demo once.
var demoAlbum = sync.OnceValue(func() []picture {
	album := make([]picture, demoPictures)
	for n := range album {
		album[n] = paint(96, 96, color.RGBA{uint8(40 + n*53%180), uint8(60 + n*97%150), uint8(80 + n*31%140), 0xff})
	}
	return album
})

// demoPicture gives picture n of the demo, counted from 1 and round again.
func demoPicture(n int) picture { return demoAlbum()[(n-1)%demoPictures] }

// addPicture adds an image row; the first of a product is its cover.
func (d *database) addPicture(product int) int {
	last := 0
	for _, id := range d.pictures.where("id_product", product) {
		last = max(last, d.pictures.rows[id].int("position"))
	}
	cover := int64(0)
	if d.cover(product) == 0 {
		cover = 1
	}
	return d.pictures.insert(row{"id_product": int64(product), "position": int64(last + 1), "cover": cover})
}

// cover is the main image of a product, 0 if it has none.
func (d *database) cover(product int) int {
	for _, id := range d.pictures.where("id_product", product) {
		if d.pictures.rows[id].int("cover") == 1 {
			return id
		}
	}
	return 0
}

func (d *database) setCover(product, image int) {
	for _, id := range d.pictures.where("id_product", product) {
		stored := d.pictures.rows[id]
		stored["cover"] = int64(0)
		if id == image {
			stored["cover"] = int64(1)
		}
	}
}

func (d *database) dropPicture(id int) {
	d.pictures.remove(id)
	delete(d.files, id)
}
