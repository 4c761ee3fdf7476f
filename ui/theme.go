package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"tokentray/engine"
	"tokentray/ui/view"
)

// palette is one variant of the colours of shared/look.
type palette struct {
	background, card, line, ink, dim, accent, valid, wait, person color.NRGBA
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

var (
	light = palette{rgb(0xf6f7f9), rgb(0xffffff), rgb(0xe4e7ec), rgb(0x1c2430), rgb(0x687385), rgb(0x2f6fed), rgb(0x1f9d6b), rgb(0xc98a10), rgb(0xd64545)}
	dark  = palette{rgb(0x15181d), rgb(0x1c2027), rgb(0x2b313b), rgb(0xe8ecf2), rgb(0x93a0b3), rgb(0x5b93ff), rgb(0x3ecf94), rgb(0xf0b93a), rgb(0xff6b6b)}
)

func paletteOf(variant fyne.ThemeVariant) palette {
	if variant == theme.VariantDark {
		return dark
	}
	return light
}

// current is the palette in force.
func current() palette {
	settings := fyne.CurrentApp().Settings()
	if t, ours := settings.Theme().(Theme); ours {
		return paletteOf(t.variant(settings.ThemeVariant()))
	}
	return paletteOf(settings.ThemeVariant())
}

func (p palette) tone(t view.Tone) color.Color {
	switch t {
	case view.Valid:
		return p.valid
	case view.Wait:
		return p.wait
	case view.Person:
		return p.person
	}
	return p.dim
}

// markColour is the colour of a provider's mark, the same in both variants.
func markColour(a engine.Account) color.Color {
	if a.Client == engine.Antigravity {
		return rgb(0x7b5bd6)
	}
	return rgb(engine.LooksOf(a.Provider).Colour)
}

// Theme is Tokentray's look: Fyne's own with our colours.
type Theme struct {
	// Variant is "light" or "dark"; anything else follows the system.
	Variant string
}

func (t Theme) variant(system fyne.ThemeVariant) fyne.ThemeVariant {
	switch t.Variant {
	case "light":
		return theme.VariantLight
	case "dark":
		return theme.VariantDark
	}
	return system
}

// Color implements fyne.Theme.
func (t Theme) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	variant = t.variant(variant)
	p := paletteOf(variant)
	switch name {
	case theme.ColorNameBackground:
		return p.card
	case theme.ColorNameForeground:
		return p.ink
	case theme.ColorNamePlaceHolder, theme.ColorNameDisabled:
		return p.dim
	case theme.ColorNamePrimary, theme.ColorNameHyperlink, theme.ColorNameFocus:
		return p.accent
	case theme.ColorNameSeparator:
		return p.line
	case theme.ColorNameInputBorder: // which is all that is seen of a box without its tick
		return mix(p.dim, p.card, 0.7)
	case theme.ColorNameButton, theme.ColorNameInputBackground, theme.ColorNameHeaderBackground:
		return p.background
	case theme.ColorNameSelection:
		return mix(p.accent, p.card, 0.12)
	case theme.ColorNameHover:
		return color.NRGBA{p.accent.R, p.accent.G, p.accent.B, 0x1c} // laid over what is there
	case theme.ColorNameError:
		return p.person
	case theme.ColorNameWarning:
		return p.wait
	case theme.ColorNameSuccess:
		return p.valid
	}
	return theme.DefaultTheme().Color(name, variant)
}

// mix is share of a over b.
func mix(a, b color.NRGBA, share float64) color.Color {
	blend := func(x, y uint8) uint8 { return uint8(float64(x)*share + float64(y)*(1-share)) }
	return color.NRGBA{blend(a.R, b.R), blend(a.G, b.G), blend(a.B, b.B), 255}
}

// Font implements fyne.Theme.
func (Theme) Font(style fyne.TextStyle) fyne.Resource { return theme.DefaultTheme().Font(style) }

// Icon implements fyne.Theme.
func (Theme) Icon(name fyne.ThemeIconName) fyne.Resource { return theme.DefaultTheme().Icon(name) }

// Size implements fyne.Theme.
func (Theme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText:
		return 13
	case theme.SizeNameCaptionText:
		return 11
	}
	return theme.DefaultTheme().Size(name)
}
