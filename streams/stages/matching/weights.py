"""What each agreement is worth: about the logarithm of how much likelier it is within a party than by chance.

The one fixed set for all sources and tenants. It was set by hand after the log-odds that a logistic regression found on
generated contacts and leads, kept in order where the regression was not (what is equal is worth no less than what is
nearly so) and small where the generator is surer than life. `streams/stages/README.md` has what it achieves.
"""

from collections.abc import Mapping

LINK = 10.0
"""From here on two records are one party."""
REVIEW = 6.0
"""From here on a person is asked."""

Levels = Mapping[str, float]

PERSONS: Mapping[str, Levels] = {
    "given": {"same": 3.0, "short": 2.5, "near": 2.0, "initial": 1.0, "weak": 0.5, "other": -2.5, "clash": -2.5},
    "family": {"same": 3.5, "short": 2.5, "near": 2.5, "initial": 0.7, "weak": 0.7, "other": -2.5, "clash": -2.5},
    "swapped": {"names": -0.5},
    "email": {
        "same": 7.0, "near": 6.0, "local": 6.0, "digits": 6.0, "digits near": 4.5, "masked": 3.5, "by name": 2.5,
        "odd": -0.5, "other": -6.0,
    },
    "phone": {"same": 6.0, "stem": 5.0, "near": 4.5, "like": 3.0, "other": -2.5},
    "company": {"same": 2.5, "near": 2.0, "weak": 0.7, "other": -1.5},
    "street": {"same": 3.8, "near": 3.2, "weak": 0.5, "other": -1.0},
    "city": {"same": 2.0, "near": 1.7, "weak": 0.5, "other": -2.0},
    "postal": {"same": 2.5, "near": 1.5, "other": -1.0},
    "region": {"same": 1.2, "other": -1.5},
    "country": {"same": 0.8, "other": -1.5},
    "tax": {"same": 12.0, "near": 6.0, "other": -2.5},
    "register": {"same": 12.0, "near": 6.0, "other": -2.5},
    "born": {"same": 6.0, "near": 3.5, "other": -2.5},
}  # fmt: skip
"""Field → level of agreement → weight; a field that one side does not have weighs nothing."""

ORGANISATIONS: Mapping[str, Levels] = {
    **PERSONS,
    "company": {"same": 6.0, "near": 4.0, "weak": 0.0, "other": -6.0},
    "domain": {"same": 5.0, "other": -2.0},
    "phone": {"same": 5.0, "stem": 5.0, "near": 2.5, "like": 1.0, "other": -1.0},
}
