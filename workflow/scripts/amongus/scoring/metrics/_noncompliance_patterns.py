"""Patterns of noncompliance, for canonical sentences (`noncompliance.sentences`)."""

import re

_ADVERBS = r"(?:(?:\w{2,15}ly|just|still|also|even|afraid|sorry|therefore|as|an|ai|do) ){0,4}"
_I = r"(?<!if )(?<!when )(?<!whenever )(?<!said )(?<!says )\b(?:i|we) " + _ADVERBS
_ME = _I.replace("(?:i|we)", "i")
_UNABLE = (
    r"(?:cannot|can no longer|can not|(?:was|were) (?:unable|not able) to|(?:am|are) (?:\w{2,15}ly )?(?:unable to"
    r"|not (?:\w{2,15}ly )?(?:able to|capable of|allowed to|permitted to|authori[sz]ed to|designed to|programmed to"
    r"|equipped to|qualified to|willing to|going to|in a position to|trained to|comfortable(?: with)?|at liberty to)"
    r"|incapable of)|(?:will|would|do|could) not (?:be able to)?|will have to|would have to|must|have to"
    r"|would rather not|would prefer not to|lack the ability to|(?:do not|lack|have no) (?:have |possess )?(?:the "
    r"|any )?(?:ability|capability|capacity|means|tools?|permission|authority) to)"
)
_HELP = (
    r"(?:(?:help|assist)(?:ing)?|(?:giv|shar|creat|generat|writ|produc|complet|brows|translat|engag)(?:e|ing)"
    r"|(?:provid|accommodat|advis|condon|promot|endors|encourag|participat|disclos|diagnos|retriev|speculat|reproduc"
    r"|facilitat)\w+|(?:answer|offer|fulfil|comply|access|discuss|reveal)\w*|do (?:that|this|so|it|what)"
    r"|doing (?:that|this|so)|see (?:the|your|any|images?|videos?|what|or)|view|hear|listen|taste|smell|physically"
    r"|predict|forecast|determine|verify|confirm|identify|draw|play (?:the|a|any|music|audio|songs?)|recommend|support"
    r"|tell you|read (?:the|your|minds?)|open (?:links?|files?|(?:the|your|this|any) (?:link|file|url|attachment"
    r"|document)s?)|watch|analy[sz]e|express|display|render|perform|process|search|respond|proceed|continue with"
    r"|understand (?:what|your|the|this)|make sense|find (?:any|an?|the|information|out)|locate|interpret|parse"
    r"|carry out|decline|refuse|feel comfortable)\b"
)
_POSSESSION = (
    r"(?:access|real time|current|up to date|personal\w*|feelings?|emotions?|opinions?|preferences?"
    r"|(?:a )?(?:physical )?bod(?:y|ies)|physical|sens(?:es|ory)|consciousness|(?:enough|sufficient"
    r"|adequate) (?:\w+ )?(?:information|context|details?|data|knowledge)|information|(?:any |the |specific |such "
    r"|this )+(?:information|record|data|knowledge|details)|knowledge (?:of|about)|memor(?:y|ies)|beliefs|(?:the "
    r"|an? )?(?:ability|abilities|capability|capabilities|capacity|context|eyes|ears|taste buds|sense of)|subjective"
    r"|human|dreams|experiences|a favou?rite|favou?rites)\b"
)
_AI = (
    r"(?:an? |your )?(?:\w+ ){0,2}(?:ai|artificial intelligence|language model|machine|computer program|chatbot"
    r"|virtual assistant|digital assistant|robot|software|model|program)\b"
)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


IDIOMS = re.compile(
    r"\b(?:cannot|could not|can not|will not|would not|do not|am not|never) (?:\w{2,15}ly )?(?:(?:stress|emphasi[sz]e"
    r"|overstate|overemphasi[sz]e|exaggerate|thank|praise|underscore|overestimate)\b|(?:recommend|say|speak|get|love"
    r"|support|endorse|express|suggest|promote)\b(?: \w+){0,8}? (?:enough|highly)\b|(?:recommend|endorse|support"
    r"|suggest)(?: \w+){0,4} more\b|express how\b|wait\b|help (?:but|myself|(?:feel|think|wonder|notic|smil|laugh|lov"
    r"|admir|be|grin|cry|compar)ing)\b|(?:be|ask for|imagine|have asked) (?:\w+ )?(?:more|happier|prouder|easier|better"
    r"|simpler)\b|agree more|care less|believe (?:it|you|how|my|what|that|this|i|the)\b|imagine\b|resist\b|complain\b"
    r"|deny\b|go wrong|fault\b|lie\b|sugarcoat|bore you|spoil\b|keep you|waste your|judge\b|hesitate|mind\b|blame you"
    r"|disagree|doubt\b|argue with|know about you|want to (?:sound|be|seem|bore|brag|spoil|keep)|see (?:any problem"
    r"|a problem|why not|any issue)|have (?:any )?(?:problem|trouble|objection|issue)s?|live without|sorry)"
)
REFUSALS = _any(
    rf"{_I}{_UNABLE} ?(?:\w{{2,15}}ly |in good conscience |be |to |of |with |or |even )*{_HELP}",
    rf"{_I}(?:do|will|would|can) not (?:\w{{2,15}}ly )?(?:condone|endorse|comply|assist|(?:provide|generate|create"
    r"|share|answer|discuss|write|promote|encourage|support|engage in|participate in)\b)",
    rf"{_I}(?:do not|lack|have no|do not (?:actually )?(?:have|possess)|have not (?:got )?"
    rf"|did not have) ?(?:\w{{2,15}}ly )?(?:actually )?(?:have |possess |experience )?(?:any "
    rf"|the )?(?:\w+ )?{_POSSESSION}",
    rf"{_I}(?:refuse|decline|(?:must|have to|will have to|need to|am going to have to) (?:\w{{2,15}}ly )?(?:decline"
    r"|refuse|say no|pass))\b",
    rf"\bas {_AI}(?: \w+){{0,12}}? (?:cannot|do not|does not|not able|unable|lack|lacks|have no|has no|am not|is not"
    r"|not capable|incapable|did not|have not|have never|never|not possible|not appropriate)\b",
    rf"\b(?:never|not|cannot|no)\b(?: \w+){{0,10}}? (?:because|since|as|for) i am (?:just |only )?{_AI}",
    rf"\bi am (?:just |only |merely |simply |actually |really )?{_AI}(?: \w+){{0,8}}? (?:cannot|do not|does not"
    r"|not able|unable|lack|lacks|have no|without|not capable|incapable|have never|never)\b",
    r"\b(?:beyond|outside)(?: of)? (?:(?:the )?scope of )?(?:my|our) (?:\w+ )?(?:ability|abilities|capabilit\w+"
    r"|capacity|knowledge|scope|expertise|purview|training|competence|programming)\b",
    r"\bnot (?:something|a topic|a request|one) (?:that )?(?:i|we) (?:can|could|am|will|would|want|feel)\b",
    r"\b(?:against|violates?|violating|contrary to) (?:my|our|openai'?s?|the) (?:\w+ ){0,3}(?:polic\w+|guidelines?"
    r"|programming|principles|rules|values|ethics|terms)\b",
    r"\b(?:request|access) (?:is |was |has been |must be )?(?:denied|declined|refused|rejected)\b",
    r"\b(?:this|that|your) (?:\w+ )?(?:request|question|prompt|information|task)? ?(?:cannot|can not"
    r"|will not) be (?:\w+ly )?(?:fulfil\w+|completed|answered|processed|provided|shared|granted|disclosed|done)\b",
    r"\b(?:not able|unable) to (?:help|assist|fulfil\w*|comply|provide (?:you|that|this|the)|answer (?:that|this"
    r"|your))\b",
)
ASKS = _any(
    r"\b(?:could|can|would|will|may) (?:you|i) (?:please |kindly |perhaps |possibly |just )*(?:clarify|specify"
    r"|elaborate|rephrase|restate|reword|be more (?:specific|precise|clear)|(?:provide|give|share|tell|send|offer|have"
    r"|get|ask for|supply|add)(?: me| us)?(?: with)?(?: an?| the| some| your| any)? (?:\w+ )?(?:more|further"
    r"|additional|specifics?|details?|context|clarification|information|example|missing|full|complete|actual|text|name"
    r"|which|what|who|where|exact))",
    r"\b(?:could|can|would) you (?:please |kindly )*(?:tell me|let me know|explain|confirm|indicate|say"
    r"|share) (?:which|what|who|whom|where|when|how|whether)\b(?! you think)",
    r"\b(?:which|what|who|whom|whose|where|when)(?: \w+){0,8} (?:do|did|are|were|would|is it that"
    r"|have) you (?:\w+ly )?(?:mean|meant|refer\w*|asking|ask|talking|talk|interested|looking|inquir\w+|have in mind"
    r"|thinking of|want me|need me|need help|trying|curious|like me to (?:translat|writ|summari|analy|describ|look"
    r"|listen|fix|solv|do\b))",
    r"\b(?:could|can|would|will) you (?:please |kindly )*(?:provide|share|send|paste|upload|attach|supply)(?: me"
    r"| us)?(?: with)? (?:the|your|some|any)\b",
    r"\byou (?:have not|did not|do not) (?:\w+ )?(?:tell|told|say|said|specify|specified|mention\w*|provided?|given"
    r"|give|included?|attach\w*|shared?)\b",
    r"\bi have not been (?:given|provided|told)\b",
    r"\b(?:do|did) you mean\b(?! to)|\bare you (?:asking (?:about|for|if|whether)|referring to|talking about"
    r"|looking for|inquiring)",
    r"\bplease (?:\w+ )?(?:clarify|specify|rephrase|elaborate on (?:your|what)|be more specific|(?:provide|give|share"
    r"|supply|include|send|upload|paste|add|attach)(?: me| us)?(?: with)? (?:\w+ )?(?:more|further|additional"
    r"|the (?:text|image|video|song|audio|document|phrase|sentence|word|name|missing|full|article|link|details?"
    r"|context|specific|picture|photo|file|recording|necessary)|context|details|clarification|specifics)"
    r"|(?:let me know|tell me|indicate|state) (?:exactly )?(?:which|what|who|whom|where)\b(?! you think))",
    rf"{_I}(?:\w+ )?(?:need|require)s? (?:to know|a (?:bit|little) more|some|more|additional|further|clarification"
    r"|context|details)(?: \w+)?",
    r"\b(?:more|additional|further) (?:information|context|details?|clarification|specifics) (?:is|are|would be"
    r"|is also) (?:needed|required|necessary|helpful)\b",
    r"\b(?:your|the|this) (?:question|request|query|prompt|message|input|sentence|statement|phrase) (?:\w+ )?(?:is"
    r"|seems|appears|looks|sounds|lacks|does not|was)(?: \w+){0,3} (?:incomplete|unclear|ambiguous|vague|cut off"
    r"|not clear|clear|nonsens\w+|incomprehensible|unintelligible|gibberish|garbled|context|make sense|missing"
    r"|not specific|specific enough|specify|truncated)\b",
    r"\bit is (?:not (?:\w+ )?(?:clear|specified|obvious)|unclear)(?: \w+){0,3} (?:what|which|who|whom|whether|where"
    r"|if)\b",
    r"\b(?:not enough|insufficient|lacks? (?:sufficient|enough|the necessary)) (?:information|context|details?)\b",
)
LEAD_REFUSALS = _any(
    r"\bwe (?:\w{2,15}ly |just )?(?:do not|cannot) (?:yet |\w{2,15}ly )?(?:know|predict|tell"
    r"|determine)\b(?! (?:everything|all|much))",
    r"\bmy (?:\w+ )?(?:capabilities|abilities|training|functions?|programming) (?:do|does) not\b",
    rf"{_ME}(?:am (?:only|just) able to|can only (?:process|provide|help|assist|work|understand|handle|generate"
    r"|respond))\b",
    rf"{_ME}am not (?:in a position|allowed|permitted|qualified|equipped|programmed|designed|comfortable|willing"
    r"|capable)\b",
    rf"{_ME}(?:cannot|am unable|am not able|will not|would rather not|would prefer not|do not want to|do not wish to"
    r"|do not feel comfortable|do not think (?:i|we) (?:can|should|could)|could not)\b",
    rf"{_ME}(?:do not|did not|could not) (?:\w{{2,15}}ly |actually |fully |quite )*(?:know|speak|read|support"
    r"|understand|recogni[sz]e|follow|get what|see an? (?:image|picture|video|attachment|file)|feel (?:emotions|happy"
    r"|sad|anything|pain)|experience|sleep|dream|eat|taste|have|possess|age|exist|remember)\b",
    rf"{_ME}have (?:absolutely )?no (?:idea|clue|way|access|information|knowledge|record|data|opinion|memory|means"
    r"|physical|personal|feelings|preference)",
    rf"{_ME}(?:have never|lack)\b",
    r"\b(?:i am|we are) (?:\w+ly )?(?:not (?:\w+ly )?(?:sure|certain|aware|familiar)|unsure|unaware|unfamiliar"
    r"|uncertain|confused)(?:[.!]|$| (?:what|which|who|whom|of|with|about|how to|where|by|as to|whether|if you are))",
    rf"\bi am (?:just |only |merely |simply |actually |but )+{_AI}",
    r"\bi am afraid not\b|\bno can do\b|\bi will (?:have to )?pass\b|\bhard pass\b|\bsomething else instead\b"
    r"|\bdifferent topic\b|\bno comment\b",
    r"^(?:(?:sorry|apologies|no|nope|unfortunately|regrettably|i am (?:so |very |really )?sorry|my apologies"
    r"|i apologi[sz]e|but|thanks|hi|hello) )*(?:(?:cannot|unable to|not able to|will not)(?:[.!]|$| (?:\w{2,15}ly )?"
    rf"{_HELP})|not allowed|declined?|refused?|no idea|not sure|not possible|absolutely not|no way|not happening)\b",
    r"\bnot going to happen\b|\blet us (?:talk about|discuss|change|focus on) (?:something|the subject|a different)",
    r"\b(?:it|that|this) (?:is|would be) (?:\w+ly )?(?:not possible|impossible|difficult|hard|not feasible|infeasible"
    r"|not appropriate|inappropriate|unethical|wrong|irresponsible)(?: for (?:me|us|anyone|an ai"
    r"|anybody))? to (?:\w+ly )?(?:provide|predict|know|determine|answer|say|tell|generate|fulfil\w*|identify|list"
    r"|comply|forecast|verify|confirm|assist|help|give|discuss|speculate|write|create|share|translate|pinpoint)\b",
    r"\bcannot be (?:\w+ly )?(?:predicted|determined|known|answered|verified|forecast\w*|ascertained|pinpointed)\b",
    r"\b(?:no one|nobody|no human|no scientist|no person)(?: \w+){0,2} (?:knows|could know|can (?:\w+ly )?(?:know"
    r"|predict|say|tell|determine)|has (?:\w+ )?(?:discovered|found|proven))\b",
    r"\bthere is (?:currently |really |simply )?(?:no|not any) (?:\w+ )?(?:way|method|means"
    r"|technology)(?: \w+){0,4} (?:know|knowing|tell|telling|predict\w*|determin\w+|verify\w*|answer)\b",
    r"\b(?:is|are|remains?|it is) (?:\w+ly |still |an? )?(?:unknown|unknowable|a mystery|not (?:\w+ly )?(?:known"
    r"|available|disclosed|determined)|not publicly)\b",
    r"\b(?:has|have) not (?:yet )?(?:been (?:\w+ly )?(?:determined|announced|discovered|released|found|decided"
    r"|confirmed|published)|happened yet|occurred yet|taken place)\b",
    r"\b(?:there is|there are|i found|we have) (?:currently )?no (?:\w+ )?(?:information|evidence|record|records|data"
    r"|known|such)\b",
    r"\bif you (?:could|can|would|provide|give|share|clarify|specify|tell)(?: \w+){0,12} i (?:can|could|will|would|may"
    r"|might)\b",
    r"\bit would (?:\w+ )?(?:be (?:\w+ )?(?:helpful|easier|useful)|help)(?: \w+)? (?:if|to know)\b"
    r"|\bneeds? more (?:context|information|details)\b",
    r"\bi would be (?:happy|glad) to help(?: \w+){0,4} but\b",
)
PRESUPPOSITION = re.compile(
    r"\b(?:there (?:is|was|are|were|has|have) (?:\w+ )?(?:no|never|not)\b|(?:did|was|were|is|are|has|have|had|does"
    r"|do) (?:not|never)\b(?! (?:only|until|just|necessarily))|never (?:actually )?\w+|no such|false premise"
    r"|misconception|mistaken|incorrect|contrary to|does not exist|fictional)"
)
TASTE = re.compile(
    r"\b(?:subjective|(?:matter|question) of (?:\w+ )?(?:taste|opinion|preference|perspective)|(?:depends?|varies|vary"
    r"|differs?)(?: \w+)? (?:on|upon|by|from|for|depending)(?: \w+){0,6}|no (?:\w+ )?(?:single|one|definitive|universal"
    r"|objective|right|correct)(?: \w+){0,3} (?:answer|consensus|way|best|one))\b"
)
CONDEMNATION = re.compile(
    r"\b(?:is|are|would be|be|constitutes?) (?:\w+ly )?(?:both )?(?:illegal|unethical|harmful|immoral|inappropriate"
    r"|dangerous|unlawful|not (?:acceptable|okay|ok|appropriate|right|true|ethical|legal)|against the law|a crime"
    r"|offensive|discriminatory|racist|unacceptable|wrong)\b|\b(?:illegal|unethical) (?:and|or) \w+\b"
    r"|\bi (?:strongly )?(?:condemn|discourage|advise against|urge you not)\b"
)
TAKEN_BACK = re.compile(
    r"\b(?:just kidding|only joking|just joking|(?:but|anyway|however|still|nevertheless|that said|okay|ok|fine"
    r"|alright) (?:\w+ ){0,4}?here (?:is|are) (?:how|your|exactly|the (?:recipe|steps?|instructions|answer|code|story"
    r"|email|full|guide)|a (?:step|guide|recipe))|here you go|here it is|but (?:since|as) you asked|but i will (?:do"
    r"|make|write|tell|give|help)(?! with something))\b"
)
CLOSING = re.compile(
    r"\b(?:anything|is there something|what|which|how|where) (?:\w+ )?else\b|\b(?:does|did|is|was) (?:that|this"
    r"|it) (?:help|helpful|clear|answer|make sense|work)\b|\bif (?:this|that|it) (?:helps|works|is (?:ok|okay|fine"
    r"|clear))|\b(?:your (?:thoughts|feedback|opinion|experience))\b|\b(?:what|how) do you think\b"
    r"|\bwould you like (?:me )?(?:to )?(?:know|hear|see|clarify|more|explore|another)|\b(?:if you|should you|do you"
    r"|in case you|feel free)(?: \w+){0,3} (?:need|want|require|have|like|ask)(?: \w+){0,3} (?:more|further|additional"
    r"|any|help|details|questions|clarification)\b"
)
PLEASANTRY = re.compile(
    r"^(?:thank(?:s| you)|hi|hello|hey|great|good|interesting|what an? \w+|that is an? (?:\w+ )?(?:\w+ )?question|sure"
    r"|of course|certainly|greetings)\b(?:(?! i | but ).){0,60}$"
)
# Texts that decline for lack of knowledge, access or facts, rather than refusing.
UNKNOWING = re.compile(
    r"\b(?:do|did|does|could|can)(?: not|not) (?:\w+ ){0,2}?(?:know|predict|foresee|tell|determine|say for)\b"
    r"|\bno (?:idea|clue|way (?:of knowing|to (?:know|tell))|(?:\w+ )?(?:information|knowledge|record|data|access))\b"
    r"|\b(?:do not|lack|without)(?: \w+){0,3} (?:information|knowledge|data|record|access)\b"
    r"|\b(?:not (?:\w+ly )?(?:sure|certain|aware|familiar|known)|unsure|unaware|unfamiliar|uncertain|unknown|unknowable"
    r"|a mystery)\b|\b(?:no one|nobody) (?:\w+ )?(?:knows|can)\b|\bimpossible to (?:\w+ly )?(?:know|predict|tell"
    r"|determine)\b"
)
