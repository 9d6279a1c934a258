package main

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"net"
	"net/http"
	"time"
)

// pictureHost serves a small picture at every address, each with bytes of its
// own, so that no two of an item are taken for the same. It never fails: what
// is proved is the way into the shop.
func pictureHost() (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(servePicture), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		// It always ends with an error; the one it ends with is our Close.
		_ = server.Serve(listener)
	}()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

func servePicture(w http.ResponseWriter, r *http.Request) {
	sum := fnv.New64a()
	fmt.Fprint(sum, r.URL.Path)
	bits := sum.Sum64()
	picture := image.NewRGBA(image.Rect(0, 0, 4, 4))
	for at := range 16 {
		dot := bits >> (at * 4)
		picture.Set(at%4, at/4, color.RGBA{uint8(dot << 4), uint8(dot), uint8(bits >> at), 255})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(file.Bytes())
}
