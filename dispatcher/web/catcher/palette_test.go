package catcher

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// The palette is read from the style sheet and held against WCAG 2.2 §1.4.3.
func TestTextIsReadableInLightAndDark(t *testing.T) {
	css, err := assets.ReadFile("assets/catcher.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d palettes", len(blocks))
	}
	for i, name := range []string{"light", "dark"} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(blocks[i][1], -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, pair := range [][2]string{
			{"ink", "paper"}, {"ink", "panel"}, {"ink", "pill"}, {"ink", "tint"}, {"soft", "paper"}, {"soft", "panel"}, {"soft", "sunk"}, {"soft", "tint"},
			{"accent", "panel"}, {"accent", "paper"}, {"warn", "warn-tint"},
		} {
			a, okA := colours[pair[0]]
			b, okB := colours[pair[1]]
			if !okA || !okB {
				t.Fatalf("%s: %v is not in the palette", name, pair)
			}
			if ratio := (math.Max(a, b) + .05) / (math.Min(a, b) + .05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has only %.2f:1", name, pair[0], pair[1], ratio)
			}
		}
	}
}

func luminance(t *testing.T, hex string) float64 {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= .04045 {
			return c / 12.92
		}
		return math.Pow((c+.055)/1.055, 2.4)
	}
	return .2126*part(16) + .7152*part(8) + .0722*part(0)
}
