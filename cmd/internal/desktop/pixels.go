package desktop

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
)

// picture is the specification's form of an image.
type picture struct {
	Width, Height, RowStride int32
	Alpha                    bool
	BitsPerSample, Channels  int32
	Pixels                   []byte
}

// pixels are those of a PNG.
func pixels(icon []byte) (picture, error) {
	drawn, err := png.Decode(bytes.NewReader(icon))
	if err != nil {
		return picture{}, err
	}
	to := image.NewNRGBA(image.Rectangle{Max: drawn.Bounds().Size()})
	draw.Draw(to, to.Rect, drawn, drawn.Bounds().Min, draw.Src)
	return picture{int32(to.Rect.Dx()), int32(to.Rect.Dy()), int32(to.Stride), true, 8, 4, to.Pix}, nil
}
