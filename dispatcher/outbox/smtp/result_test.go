package smtp

import (
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

func TestOnlyWordsAboutTheAddressSuppressIt(t *testing.T) {
	for _, c := range []struct {
		code     int
		enhanced string
		phase    Phase
		want     bool
	}{
		{550, "5.1.1", PhaseRcpt, true},
		{550, "5.1.1", PhaseDot, true},
		{553, "5.1.3", PhaseRcpt, true},
		{550, "5.1.6", PhaseRcpt, true},
		{556, "5.1.10", PhaseRcpt, true},
		{550, "5.1.2", PhaseRcpt, true},
		{550, "5.2.1", PhaseRcpt, true},
		{551, "", PhaseRcpt, true},
		{556, "", PhaseRcpt, true},
		{554, "5.1.1", PhaseRcpt, true},
		{550, "", PhaseRcpt, false},
		{550, "5.1.1", PhaseMail, false},
		{550, "5.1.1", PhaseLocal, false},
		{550, "5.1.8", PhaseRcpt, false},
		{553, "5.1.7", PhaseRcpt, false},
		{550, "5.7.1", PhaseRcpt, false},
		{550, "5.7.515", PhaseDot, false},
		{551, "5.7.1", PhaseRcpt, false},
		{550, "5.2.2", PhaseRcpt, false},
		{552, "5.2.2", PhaseRcpt, false},
		{552, "5.3.4", PhaseDot, false},
		{554, "5.6.0", PhaseDot, false},
		{554, "5.4.6", PhaseDot, false},
		{450, "4.1.1", PhaseRcpt, false},
		{530, "5.1.1", PhaseRcpt, false},
	} {
		r := Result{Outcome: outcomeOf(c.code), Code: c.code, Enhanced: c.enhanced, Phase: c.phase}
		if r.Suppresses() != c.want {
			t.Errorf("%d %s at %s: %v", c.code, c.enhanced, c.phase, !c.want)
		}
	}
}

func TestCodesAboutOurStandingDoNotFailTheMail(t *testing.T) {
	for code, want := range map[int]dispatcher.Outcome{
		421: dispatcher.OutcomeDeferred, 450: dispatcher.OutcomeDeferred, 499: dispatcher.OutcomeDeferred,
		500: dispatcher.OutcomeFailed, 550: dispatcher.OutcomeFailed, 554: dispatcher.OutcomeFailed,
		530: dispatcher.OutcomeDeferred, 534: dispatcher.OutcomeDeferred, 535: dispatcher.OutcomeDeferred, 538: dispatcher.OutcomeDeferred,
	} {
		r := Result{Outcome: outcomeOf(code), Code: code, Phase: PhaseRcpt}
		if r.Outcome != want {
			t.Errorf("%d is %s", code, r.Outcome)
		}
		if about := code == 421 || aboutUs(code); r.Charged() == about || r.RelayTrouble() != about {
			t.Errorf("%d: charged %v, trouble %v", code, r.Charged(), r.RelayTrouble())
		}
	}
}
