package browsertest

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// violation is one rule of axe-core that a page breaks.
type violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// runAxe gives what is serious or critical. axe has a rule set "best-practice"
// besides the WCAG's; it runs too, since it is what a careful reader would say.
const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.filter(v => v.impact === "serious" || v.impact === "critical"))`

// Accessible fails the test for each serious or critical finding of axe-core.
// It needs scripts: open the page a second time where a test has them off.
func (p *Page) Accessible() {
	p.tb.Helper()
	if p.view.NoScripts {
		p.tb.Fatal("browsertest: axe-core needs scripts, and this view has none: open the page a second time with them")
	}
	axe, err := readAxe()
	p.must("reading axe-core", err)
	// Evaluated by the debugger, it is not subject to the page's own policy.
	_, err = chromedp.Run(p.ctx, chromedp.Evaluate[bool](axe+";true"))
	p.must("loading axe-core", err)
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]violation](runAxe, chromedp.EvalAwaitPromise))
	p.must("running axe-core", err)
	for _, v := range found {
		p.tb.Errorf("%s: %s finding %s: %s\n%s", p.Location(), v.Impact, v.ID, v.Help, v.where())
	}
}

// where lists the elements of a finding.
func (v *violation) where() string {
	var b strings.Builder
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "  %s\n    %s\n", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
	}
	return b.String()
}
