"""Deciding whether a flag is on: rules and a context in, an answer out. No I/O.

Evaluates as Unleash's client specification says (npm `@unleash/client-specification`), and is finer
where that is silent: percentages have three decimals. Rules are compiled to closures once a change;
an evaluation is a function call.
"""

from flags.engine.answers import Answer as Answer
from flags.engine.answers import Reason as Reason
from flags.engine.context import Context as Context
from flags.engine.rulesets import Ruleset as Ruleset
