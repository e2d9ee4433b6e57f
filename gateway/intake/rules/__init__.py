"""What people want done with mail, in their words: conditions, actions, and what comes of them.

Everything but `load` and `apply` is pure: a rule is judged on `Facts`, so that a mail of last week can be
judged again. Where the rules stand among the other steps is `gateway.intake.process`'s matter.
"""
