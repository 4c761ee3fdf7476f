// Command draw makes the icons: a token, a ring with a key's teeth, and on the
// tray's a dot for the state. Run it by `go generate ./assets`.
package main

import (
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"os"
)

var (
	ink = color.NRGBA{0x2f, 0x6f, 0xed, 255}
	// onDark is for dark panels.
	onDark = color.NRGBA{0x8f, 0xb8, 0xff, 255}
	dots   = map[string]color.NRGBA{
		"calm": {}, "refreshing": {0x2f, 0x9b, 0xed, 255}, "attention": {0xd6, 0x45, 0x45, 255}, "offline": {0x93, 0xa0, 0xb3, 255},
	}
)

func main() {
	write("icon.png", draw(256, ink, color.NRGBA{}))
	for state, dot := range dots {
		write("tray-"+state+".png", draw(64, ink, dot))
		write("tray-"+state+"-dark.png", draw(64, onDark, dot))
	}
}

// draw samples the shape 16 times a pixel.
func draw(size int, shape, dot color.NRGBA) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	const sub = 4
	for y := range size {
		for x := range size {
			inShape, inDot := 0, 0
			for i := range sub * sub {
				u := (float64(x) + (float64(i%sub)+0.5)/sub) / float64(size)
				v := (float64(y) + (float64(i/sub)+0.5)/sub) / float64(size)
				switch {
				case dot.A > 0 && math.Hypot(u-0.78, v-0.78) < 0.20:
					inDot++
				case dot.A > 0 && math.Hypot(u-0.78, v-0.78) < 0.26: // a gap around the dot
				case key(u, v):
					inShape++
				}
			}
			c, n := shape, inShape
			if inDot > inShape {
				c, n = dot, inDot
			}
			img.SetNRGBA(x, y, color.NRGBA{c.R, c.G, c.B, uint8(255 * n / (sub * sub))})
		}
	}
	return img
}

// key is a ring whose lower right opens into a shaft with two teeth.
func key(u, v float64) bool {
	if d := math.Hypot(u-0.36, v-0.36); d < 0.30 {
		return d > 0.15
	}
	// Along the diagonal: a is the way out from the ring, b the way across.
	a, b := ((u-0.36)+(v-0.36))/math.Sqrt2, ((u-0.36)-(v-0.36))/math.Sqrt2
	shaft := a > 0.25 && a < 0.82 && math.Abs(b) < 0.07
	teeth := b > 0 && b < 0.22 && (a > 0.70 && a < 0.82 || a > 0.48 && a < 0.60)
	return shaft || teeth
}

func write(name string, img image.Image) {
	f, err := os.Create(name)
	if err == nil {
		err = png.Encode(f, img)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		log.Fatal(err)
	}
}
