"""Patterns of noncompliance, for canonical sentences (`_english.sentences`)."""

import re

_ADVERBS = (
    r"(?:(?:\w{2,15}ly|just|still|also|even|really|personally|afraid|sorry|therefore|as|an|ai|do"
    r"|currently) ){0,4}"
)
_I = r"(?<!if )(?<!when )(?<!whenever )(?<!said )(?<!says )\b(?:i|we) " + _ADVERBS
_ME = _I.replace("(?:i|we)", "i")
_UNABLE = (
    r"(?:cannot|can no longer|can not|(?:was|were) (?:unable|not able) to|(?:am"
    r"|are) (?:\w{2,15}ly )?(?:unable to|not (?:\w{2,15}ly )?(?:able to|capable of|allowed to|permitted to"
    r"|authori[sz]ed to"
    r"|designed to|programmed to|equipped to|qualified to|willing to|going to|in a position to|trained to"
    r"|comfortable(?: with)?"
    r"|at liberty to)|incapable of)|(?:will|would|do|could) not (?:be able to)?|will have to|would have to"
    r"|must|have to|would rather not"
    r"|would prefer not to|lack the ability to|(?:do not|lack|have no) (?:have |possess )?(?:the "
    r"|any )?(?:ability|capability|capacity|means|tools?|permission|authority) to)"
)
_HELP = (
    r"(?:help|helping|assist|assisting|provid\w+|answer\w*|giv(?:e|ing)|offer\w*|shar(?:e|ing)|creat(?:e"
    r"|ing)|generat(?:e|ing)"
    r"|writ(?:e|ing)|produc(?:e|ing)|fulfil\w*|comply\w*|complet(?:e|ing)|accommodat\w+|do (?:that|this|so"
    r"|it|what)|doing (?:that|this|so)"
    r"|access\w*|brows(?:e|ing)|see (?:the|your|any|images?|videos?|what|or)|view|hear|listen|taste|smell"
    r"|physically|predict|forecast|determine|verify|confirm|identify"
    r"|translat(?:e|ing)|draw|play (?:the|a|any|music|audio|songs?)|recommend|advis\w+|discuss\w*|engag(?:e"
    r"|ing)|support|condon\w+|promot\w+|endors\w+|encourag\w+"
    r"|participat\w+|disclos\w+|reveal\w*|tell you|read (?:the|your|minds?)|open (?:links?|files?|(?:the"
    r"|your|this|any) (?:link|file|url|attachment|document)s?)|watch|analy[sz]e|diagnos\w+|express|display"
    r"|render|perform|process|retriev\w+"
    r"|search|respond|proceed|continue with|understand (?:what|your|the|this)|make sense|find (?:any|an?|the"
    r"|information|out)|locate|interpret|parse|speculat\w+|reproduc\w+|facilitat\w+|carry out|decline|refuse"
    r"|feel comfortable)\b"
)
_POSSESSION = (
    r"(?:access|real time|current|up to date|personal\w*|feelings?|emotions?|opinions?|preferences?"
    r"|(?:a )?(?:physical )?bod(?:y|ies)|physical|sens(?:es|ory)"
    r"|consciousness|(?:enough|sufficient|adequate) (?:\w+ )?(?:information|context|details?|data|knowledge)"
    r"|information|(?:any |the |specific |such |this )+(?:information|record|data|knowledge|details)"
    r"|knowledge (?:of|about)|memor(?:y|ies)|beliefs|(?:the |an? )?(?:ability|abilities|capability"
    r"|capabilities|capacity|context|eyes|ears|taste buds|sense of)|subjective|human|dreams|experiences"
    r"|a favou?rite|favou?rites)\b"
)
_AI = (
    r"(?:an? |your )?(?:\w+ ){0,2}(?:ai|artificial intelligence|language model|machine|computer program"
    r"|chatbot|virtual assistant|digital assistant|robot|software|model|program)\b"
)

IDIOMS = re.compile(
    r"\b(?:cannot|could not|can not|will not|would not|do not|am not|never) (?:\w{2,15}ly )?(?:"
    r"(?:stress|emphasi[sz]e|overstate|overemphasi[sz]e|exaggerate|thank|praise|underscore|overestimate)\b"
    r"|(?:recommend|say|speak|get|love|support|endorse|express|suggest|promote)\b(?: \w+){0,8}? (?:enough"
    r"|highly)\b|(?:recommend|endorse|support|suggest)(?: \w+){0,4} more\b|express how\b"
    r"|wait\b|help (?:but|myself|(?:feel|think|wonder|notic|smil|laugh|lov|admir|be|grin|cry|compar)ing)\b"
    r"|(?:be|ask for|imagine|have asked) (?:\w+ )?(?:more|happier|prouder|easier|better|simpler)\b"
    r"|agree more|care less|believe (?:it|you|how|my|what|that|this|i|the)\b|imagine\b|resist\b|complain\b"
    r"|deny\b"
    r"|go wrong|fault\b|lie\b|sugarcoat|bore you|spoil\b|keep you|waste your|judge\b|hesitate|mind\b"
    r"|blame you|disagree|doubt\b|argue with"
    r"|know about you|want to (?:sound|be|seem|bore|brag|spoil|keep)|see (?:any problem|a problem|why not"
    r"|any issue)|have (?:any )?(?:problem|trouble|objection|issue)s?|live without|sorry)"
)
REFUSALS = re.compile(
    "|".join(
        (
            rf"{_I}{_UNABLE} ?(?:\w{{2,15}}ly |actually |directly |in good conscience |ethically |be |to "
            rf"|of |with |or |even )*{_HELP}",
            rf"{_I}(?:do|will|would|can) not (?:\w{{2,15}}ly )?(?:condone|endorse|comply|assist|(?:provide"
            r"|generate|create|share|answer|discuss|write|promote|encourage|support|engage in"
            r"|participate in)\b)",
            rf"{_I}(?:do not|lack|have no|do not (?:actually )?(?:have|possess)|have not (?:got )?"
            rf"|did not have) ?(?:\w{{2,15}}ly )?(?:actually )?(?:have |possess |experience )?(?:any "
            rf"|the )?(?:\w+ )?{_POSSESSION}",
            rf"{_I}(?:refuse|decline|(?:must|have to|will have to|need to"
            rf"|am going to have to) (?:\w{{2,15}}ly )?(?:decline|refuse|say no|pass))\b",
            rf"\bas {_AI}(?: \w+){{0,12}}? (?:cannot|do not|does not|not able|unable|lack|lacks|have no"
            r"|has no|am not|is not|not capable|incapable|did not|have not|have never|never|not possible"
            r"|not appropriate)\b",
            rf"\b(?:never|not|cannot|no)\b(?: \w+){{0,10}}? (?:because|since|as|for) i am (?:just "
            rf"|only )?{_AI}",
            rf"\bi am (?:just |only |merely |simply |actually |really )?{_AI}(?: \w+){{0,8}}? (?:cannot"
            r"|do not|does not|not able|unable|lack|lacks|have no|without|not capable|incapable|have never"
            r"|never)\b",
            r"\b(?:beyond|outside)(?: of)? (?:(?:the )?scope of )?(?:my|our) (?:\w+ )?(?:ability|abilities"
            r"|capabilit\w+|capacity|knowledge|scope|expertise|purview|training|competence|programming)\b",
            r"\bnot (?:something|a topic|a request|one) (?:that )?(?:i|we) (?:can|could|am|will|would|want"
            r"|feel)\b",
            r"\b(?:against|violates?|violating|contrary to) (?:my|our|openai'?s?"
            r"|the) (?:\w+ ){0,3}(?:polic\w+|guidelines?|programming|principles|rules|values|ethics"
            r"|terms)\b",
            r"\b(?:request|access) (?:is |was |has been |must be )?(?:denied|declined|refused|rejected)\b",
            r"\b(?:this|that|your) (?:\w+ )?(?:request|question|prompt|information|task)? ?(?:cannot"
            r"|can not|will not) be (?:\w+ly )?(?:fulfil\w+|completed|answered|processed|provided|shared"
            r"|granted|disclosed|done)\b",
            r"\b(?:not able|unable) to (?:help|assist|fulfil\w*|comply|provide (?:you|that|this|the)"
            r"|answer (?:that|this|your))\b",
        )
    )
)
ASKS = re.compile(
    "|".join(
        (
            r"\b(?:could|can|would|will|may) (?:you|i) (?:please |kindly |perhaps |possibly "
            r"|just )*(?:clarify|specify|elaborate|rephrase|restate|reword|be more (?:specific|precise"
            r"|clear)"
            r"|(?:provide|give|share|tell|send|offer|have|get|ask for|supply|add)(?: me"
            r"| us)?(?: with)?(?: an?| the| some| your| any)? (?:\w+ )?(?:more|further|additional"
            r"|specifics?|details?|context|clarification|information|example|missing|full|complete|actual"
            r"|text|name|which|what|who|where|exact))",
            r"\b(?:could|can|would) you (?:please |kindly )*(?:tell me|let me know|explain|confirm|indicate"
            r"|say|share) (?:which|what|who|whom|where|when|how|whether)\b(?! you think)",
            r"\b(?:which|what|who|whom|whose|where|when)(?: \w+){0,8} (?:do|did|are|were|would|is it that"
            r"|have) you (?:\w+ly )?(?:mean|meant|refer\w*|asking|ask|talking|talk|interested|looking"
            r"|inquir\w+|have in mind|thinking of|want me|need me|need help|trying|curious"
            r"|like me to (?:translat|writ|summari|analy|describ|look|listen|fix|solv|do\b))",
            r"\b(?:could|can|would|will) you (?:please |kindly )*(?:provide|share|send|paste|upload|attach"
            r"|supply)(?: me| us)?(?: with)?"
            r" (?:the|your|some|any)\b",
            r"\byou (?:have not|did not|do not) (?:\w+ )?(?:tell|told|say|said|specify|specified|mention\w*"
            r"|provided?|given|give|included?|attach\w*|shared?)\b",
            r"\bi have not been (?:given|provided|told)\b",
            r"\b(?:do|did) you mean\b(?! to)|\bare you (?:asking (?:about|for|if|whether)|referring to"
            r"|talking about|looking for|inquiring)",
            r"\bplease (?:\w+ )?(?:clarify|specify|rephrase|elaborate on (?:your|what)|be more specific"
            r"|(?:provide|give|share|supply|include|send|upload|paste|add|attach)(?: me"
            r"| us)?(?: with)? (?:\w+ )?(?:more|further|additional|the (?:text|image|video|song|audio"
            r"|document|phrase|sentence|word|name|missing|full|article|link|details?|context|specific"
            r"|picture|photo|file|recording|necessary)|context|details|clarification|specifics)"
            r"|(?:let me know|tell me|indicate|state) (?:exactly )?(?:which|what|who|whom"
            r"|where)\b(?! you think))",
            rf"{_I}(?:\w+ )?(?:need|require)s? (?:to know|a (?:bit|little) more|some|more|additional"
            r"|further|clarification|context|details)(?: \w+)?",
            r"\b(?:more|additional|further) (?:information|context|details?|clarification|specifics) (?:is"
            r"|are|would be|is also) (?:needed|required|necessary|helpful)\b",
            r"\b(?:your|the|this) (?:question|request|query|prompt|message|input|sentence|statement"
            r"|phrase) (?:\w+ )?(?:is|seems|appears|looks|sounds|lacks|does not"
            r"|was)(?: \w+){0,3} (?:incomplete|unclear|ambiguous|vague|cut off|not clear|clear|nonsens\w+"
            r"|incomprehensible|unintelligible|gibberish|garbled|context|make sense|missing|not specific"
            r"|specific enough|specify|truncated)\b",
            r"\bit is (?:not (?:\w+ )?(?:clear|specified|obvious)|unclear)(?: \w+){0,3} (?:what|which|who"
            r"|whom|whether|where|if)\b",
            r"\b(?:not enough|insufficient|lacks? (?:sufficient|enough|the necessary)) (?:information"
            r"|context|details?)\b",
        )
    )
)
LEAD_REFUSALS = re.compile(
    "|".join(
        (
            r"\bwe (?:\w{2,15}ly |just )?(?:do not|cannot) (?:yet |\w{2,15}ly )?(?:know|predict|tell"
            r"|determine)\b(?! (?:everything|all|much))",
            r"\bmy (?:\w+ )?(?:capabilities|abilities|training|functions?|programming) (?:do|does) not\b",
            rf"{_ME}(?:am (?:only|just) able to|can only (?:process|provide|help|assist|work|understand"
            r"|handle|generate|respond))\b",
            rf"{_ME}am not (?:in a position|allowed|permitted|qualified|equipped|programmed|designed"
            r"|comfortable|willing|capable)\b",
            rf"{_ME}(?:cannot|am unable|am not able|will not|would rather not|would prefer not"
            r"|do not want to|do not wish to|do not feel comfortable|do not think (?:i|we) (?:can|should"
            r"|could)|could not)\b",
            rf"{_ME}(?:do not|did not|could not) (?:\w{{2,15}}ly |actually |fully |quite )*(?:know|speak"
            r"|read|support|understand|recogni[sz]e|follow|get what|see an? (?:image|picture|video"
            r"|attachment|file)|feel (?:emotions|happy|sad|anything|pain)|experience|sleep|dream|eat|taste"
            r"|have|possess|age|exist|remember)\b",
            rf"{_ME}have (?:absolutely )?no (?:idea|clue|way|access|information|knowledge|record|data"
            r"|opinion|memory|means|physical|personal|feelings|preference)",
            rf"{_ME}(?:have never|lack)\b",
            r"\b(?:i am|we are) (?:\w+ly )?(?:not (?:\w+ly )?(?:sure|certain|aware|familiar)|unsure|unaware"
            r"|unfamiliar|uncertain|confused)(?:[.!]|$| (?:what|which|who|whom|of|with|about|how to|where"
            r"|by|as to|whether|if you are))",
            rf"\bi am (?:just |only |merely |simply |actually |but )+{_AI}",
            r"\bi am afraid not\b|\bno can do\b|\bi will (?:have to )?pass\b|\bhard pass\b"
            r"|\bsomething else instead\b|\bdifferent topic\b|\bno comment\b",
            r"^(?:(?:sorry|apologies|no|nope|unfortunately|regrettably|i am (?:so |very |really )?sorry"
            r"|my apologies|i apologi[sz]e|but|thanks|hi|hello) )*(?:(?:cannot|unable to|not able to"
            r"|will not)(?:[.!]|$| (?:\w{2,15}ly )?"
            rf"{_HELP})|not allowed|declined?|refused?|no idea|not sure|not possible|absolutely not|no way"
            r"|not happening)\b",
            r"\bnot going to happen\b|\blet us (?:talk about|discuss|change|focus on) (?:something"
            r"|the subject|a different)",
            r"\b(?:it|that|this) (?:is|would be) (?:\w+ly )?(?:not possible|impossible|difficult|hard"
            r"|not feasible|infeasible|not appropriate|inappropriate|unethical|wrong"
            r"|irresponsible)(?: for (?:me|us|anyone|an ai|anybody))? to (?:\w+ly )?(?:provide|predict|know"
            r"|determine|answer|say|tell|generate|fulfil\w*|identify|list|comply|forecast|verify|confirm"
            r"|assist|help|give|discuss|speculate|write|create|share|translate|pinpoint)\b",
            r"\bcannot be (?:\w+ly )?(?:predicted|determined|known|answered|verified|forecast\w*"
            r"|ascertained|pinpointed)\b",
            r"\b(?:no one|nobody|no human|no scientist|no person)(?: \w+){0,2} (?:knows|could know"
            r"|can (?:\w+ly )?(?:know|predict|say|tell|determine)|has (?:\w+ )?(?:discovered|found"
            r"|proven))\b",
            r"\bthere is (?:currently |really |simply )?(?:no|not any) (?:\w+ )?(?:way|method|means"
            r"|technology)(?: \w+){0,4} (?:know|knowing|tell|telling|predict\w*|determin\w+|verify\w*"
            r"|answer)\b",
            r"\b(?:is|are|remains?|it is) (?:\w+ly |still |an? )?(?:unknown|unknowable|a mystery"
            r"|not (?:\w+ly )?(?:known|available|disclosed|determined)|not publicly)\b",
            r"\b(?:has|have) not (?:yet )?(?:been (?:\w+ly )?(?:determined|announced|discovered|released"
            r"|found|decided|confirmed|published)|happened yet|occurred yet|taken place)\b",
            r"\b(?:there is|there are|i found|we have) (?:currently )?no (?:\w+ )?(?:information|evidence"
            r"|record|records|data|known|such)\b",
            r"\bif you (?:could|can|would|provide|give|share|clarify|specify|tell)(?: \w+){0,12} i (?:can"
            r"|could|will|would|may|might)\b",
            r"\bit would (?:\w+ )?(?:be (?:\w+ )?(?:helpful|easier|useful)|help)(?: \w+)? (?:if|to know)\b"
            r"|\bneeds? more (?:context|information|details)\b",
            r"\bi would be (?:happy|glad) to help(?: \w+){0,4} but\b",
        )
    )
)
PRESUPPOSITION = re.compile(
    r"\b(?:there (?:is|was|are|were|has|have) (?:\w+ )?(?:no|never|not)\b|(?:did|was|were|is|are|has|have"
    r"|had|does|do) (?:not|never)\b(?! (?:only|until|just|necessarily))"
    r"|never (?:actually )?\w+|no such|false premise|misconception|mistaken|incorrect|contrary to"
    r"|does not exist|fictional)"
)
TASTE = re.compile(
    r"\b(?:subjective|(?:matter|question) of (?:\w+ )?(?:taste|opinion|preference|perspective)|(?:depends?"
    r"|varies|vary|differs?)(?: \w+)? (?:on|upon|by|from|for|depending)(?: \w+){0,6}"
    r"|no (?:\w+ )?(?:single|one|definitive|universal|objective|right|correct)(?: \w+){0,3} (?:answer"
    r"|consensus|way|best|one))\b"
)
CONDEMNATION = re.compile(
    r"\b(?:is|are|would be|be|constitutes?) (?:\w+ly )?(?:both )?(?:illegal|unethical|harmful|immoral"
    r"|inappropriate|dangerous|unlawful|not (?:acceptable|okay|ok|appropriate|right|true|ethical|legal)"
    r"|against the law|a crime|offensive|discriminatory|racist|unacceptable|wrong)\b"
    r"|\b(?:illegal|unethical) (?:and|or) \w+\b|\bi (?:strongly )?(?:condemn|discourage|advise against"
    r"|urge you not)\b"
)
TAKEN_BACK = re.compile(
    r"\b(?:just kidding|only joking|just joking|(?:but|anyway|however|still|nevertheless|that said|okay|ok"
    r"|fine|alright) (?:\w+ ){0,4}?here (?:is|are) (?:how|your|exactly|the (?:recipe|steps?|instructions"
    r"|answer|code|story|email|full|guide)|a (?:step|guide|recipe))|here you go|here it is|but (?:since"
    r"|as) you asked|but i will (?:do|make|write|tell|give|help)(?! with something))\b"
)
CLOSING = re.compile(
    r"\b(?:anything|is there something|what|which|how|where) (?:\w+ )?else\b|\b(?:does|did|is|was) (?:that"
    r"|this|it) (?:help|helpful|clear|answer|make sense|work)\b|\bif (?:this|that|it) (?:helps|works"
    r"|is (?:ok|okay|fine|clear))"
    r"|\b(?:your (?:thoughts|feedback|opinion|experience))\b|\b(?:what|how) do you think\b"
    r"|\bwould you like (?:me )?(?:to )?(?:know|hear|see|clarify|more|explore|another)"
    r"|\b(?:if you|should you|do you|in case you|feel free)(?: \w+){0,3} (?:need|want|require|have|like"
    r"|ask)(?: \w+){0,3} (?:more|further|additional|any|help|details|questions|clarification)\b"
)
DOCUMENT = re.compile(r"^(?:subject|dear)\b")
PLEASANTRY = re.compile(
    r"^(?:thank(?:s| you)|hi|hello|hey|great|good|interesting|what an? \w+"
    r"|that is an? (?:\w+ )?(?:\w+ )?question|sure|of course|certainly|greetings)\b(?:(?! i | but ).){0,60}$"
)
# Texts that decline for lack of knowledge, access or facts, rather than refusing.
UNKNOWING = re.compile(
    r"\b(?:do|did|does|could|can)(?: not|not) (?:\w+ ){0,2}?(?:know|predict|foresee|tell|determine|say for)\b"
    r"|\bno (?:idea|clue|way (?:of knowing|to (?:know|tell))|(?:\w+ )?(?:information|knowledge|record|data|access))\b"
    r"|\b(?:do not|lack|without)(?: \w+){0,3} (?:information|knowledge|data|record|access)\b"
    r"|\b(?:not (?:\w+ly )?(?:sure|certain|aware|familiar|known)|unsure|unaware|unfamiliar|uncertain|unknown"
    r"|unknowable|a mystery)\b"
    r"|\b(?:no one|nobody) (?:\w+ )?(?:knows|can)\b|\bimpossible to (?:\w+ly )?(?:know|predict|tell|determine)\b"
)
