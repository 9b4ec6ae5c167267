"""How hard each target is: what a rule, a small tree, a reference learner and the simulator itself reach."""
