"""Given names that people use for one another, and what else stands around a name."""

from collections.abc import Mapping

TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "herr", "frau", "jr", "sr", "ii", "iii", "iv"}
)
"""Words around a name that are none."""

_FORMS = """
albert al bert bertie | alexander alex al sandy sasha xander | alexandra alex sandra sandy sasha
alfred al alf fred | amanda mandy | andrew andy drew | ann anne anna annie nan nancy | anthony tony
antonio tony toni | barbara barb babs | benjamin ben benny | beatrice bea trixie | bernard bernie | bradley brad
caroline carol carrie lina | catherine katherine kathryn kate kathy cathy katie kay kitty
charles charlie chuck chas | charlotte charlie lottie | christine christina chris chrissy tina
christopher chris kit topher | cynthia cindy | daniel dan danny | david dave davy | deborah debra deb debbie
dennis denny | donald don donnie | dorothy dot dottie dolly | edward ed eddie ned ted teddy
eleanor ellie nell nora | elizabeth liz lizzie beth betsy betty eliza elisa libby | emily em emmy | eugene gene
evelyn eve evie | frances fran francie | francis frank | franklin frank | frederick frederic fred freddie
gabriel gabe | gabriele gaby | george georgie | gerald gerry jerry | gregory greg | harold hal harry
harriet hattie | helen helena ellen nell lena | henry hank harry hal | herbert herb bert
isabella isabel bella izzy | jacob jake | jacqueline jackie | james jim jimmy jamie | janet jan
jeffrey geoffrey jeff geoff | jennifer jen jenny | jessica jess jessie | joan joanie | johannes hans john
john jack johnny jon | jonathan jon jonny | joseph joe joey jo | joshua josh | josephine jo josie | judith judy
julia julie jules | kenneth ken kenny | kimberly kim | lawrence laurence larry | leonard len lenny leo
lillian lily lil | louis lou louie | louise lou | lucille lucy | margaret maggie meg peg peggy
greta rita marge margie daisy | maria mary marie mia | martha marty | martin marty | matthew matt | maximilian max
melissa mel missy | michael mike mick mickey mitch | michelle shelly mickey | mildred millie
nathaniel nathan nate nat | nicholas nick nicky klaus | nicole nikki | olivia liv livvy | pamela pam
patricia pat patty tricia trish | patrick pat paddy | peter pete | philip phil pip | rachel rae | raymond ray
rebecca becky becca | richard rick ricky dick rich | robert bob bobby rob robbie bert | roberta bobbie | roger rodge
ronald ron ronnie | rosemary rose rosie | samantha sam sammy | samuel sam sammy | sandra sandy
sarah sara sally sadie | sharon shari | sophia sophie | stephanie steph | stephen steven steve
susan sue susie suzanne | sylvia syl | tabitha tabby | teresa theresa terry tess tessa | thaddeus thad ted
theodore ted teddy theo | thomas tom tommy | timothy tim timmy | veronica ronnie vera | victor vic
victoria vicky tori | vincent vince vinny | virginia ginny | walter walt wally | wilhelm will willi
william bill billy will willie liam | zachary zach zack
"""


def _table() -> Mapping[str, frozenset[str]]:
    """Return, for every name, the groups it belongs to."""
    groups = [group.split() for line in _FORMS.strip().splitlines() for group in line.split("|")]
    found: dict[str, set[str]] = {}
    for group in groups:
        for name in group:
            found.setdefault(name, set()).add(group[0])
    return {name: frozenset(roots) for name, roots in found.items()}


NICKNAMES = _table()
"""Name → the given names it may stand for."""


def same_person_may_use(a: str, b: str) -> bool:
    """Tell whether one of two given names is in use for the other."""
    mine, theirs = NICKNAMES.get(a), NICKNAMES.get(b)
    return mine is not None and theirs is not None and not mine.isdisjoint(theirs)
