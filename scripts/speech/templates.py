"""Everyday sentences made from patterns: requests, times, prices, weather, travel, plans, talk, names, lists, single words."""
import random
import re

SLOTS = {
    "name": """Anna Ben Carla David Emma Frank Grace Henry Irene Jack Kate Leo Maria Nick Olivia Paul Rose Sam Tina
        Victor Wendy Alice Brian Clara Daniel Eva George Helen Jacob Laura Martin Nora Oscar Peter Ruth Simon Sarah
        Thomas Julia Robert Susan Michael Linda James Karen John Mary William""",
    "city": """London|Paris|Boston|Berlin|Madrid|Rome|Chicago|Dublin|Oslo|Vienna|Denver|Dallas|Seattle|Toronto|
        Sydney|Tokyo|Athens|Lisbon|Moscow|New York|San Francisco|Los Angeles|Amsterdam|Edinburgh|Oxford|Prague""",
    "country": """France Spain Italy Germany Canada Mexico Brazil Japan China India Egypt Kenya Norway Sweden Greece
        Turkey Ireland Scotland Australia Portugal Poland""",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April May June July August September October November December",
    "color": "red blue green yellow white black brown orange purple gray pink golden silver",
    "food": """bread|cheese|rice|soup|chicken|fish|salad|pasta|pizza|fruit|cake|potatoes|eggs|beans|honey|butter|
        apples|tomatoes|onions|chocolate|ice cream|fresh vegetables|roast beef|orange juice""",
    "drink": "coffee|tea|water|milk|juice|lemonade|hot chocolate|red wine|cold beer|green tea",
    "animal": """dog cat horse cow sheep bird rabbit fox bear wolf lion tiger elephant mouse duck goose pig goat
        monkey snake frog turtle whale dolphin eagle owl squirrel""",
    "job": """doctor nurse teacher lawyer farmer driver writer painter baker cook pilot sailor soldier judge artist
        singer dancer student professor engineer carpenter plumber waiter manager reporter scientist""",
    "place": """park station market library school church hospital office museum theater airport hotel kitchen garden
        beach river lake mountain forest village bridge harbor factory university bakery restaurant farm castle""",
    "room": "kitchen|bedroom|bathroom|living room|hall|attic|basement|garage|office|dining room|library",
    "thing": """book|letter|key|table|chair|lamp|window|door|mirror|picture|clock|phone|computer|camera|radio|box|
        bag|bottle|cup|plate|knife|spoon|blanket|pillow|coat|hat|shirt|shoe|umbrella|ticket|map|newspaper|bicycle|
        piano|guitar|violin|candle|basket|ladder|hammer|rope|ring|wallet|suitcase|notebook|pencil|envelope""",
    "vehicle": "train bus car boat ship plane taxi truck bicycle ferry",
    "adjective": """old new small large heavy light bright dark quiet loud warm cold clean dirty empty full soft hard
        strange simple beautiful ugly cheap expensive broken famous gentle strong weak round narrow wide deep tall
        short young clever foolish friendly angry happy sad tired hungry lonely brave lazy busy careful nervous""",
    "adverb": """quickly slowly quietly loudly carefully suddenly gently happily sadly easily finally usually often
        always never sometimes probably certainly simply almost nearly completely""",
    "weather": "sunny cloudy rainy windy snowy foggy stormy cold warm hot cool wet dry humid freezing",
    "plural": """children students neighbors soldiers farmers birds horses trees flowers books stars clouds houses
        stones letters boats windows songs stories questions answers friends strangers travelers workers
        leaves apples machines animals villages mountains rivers islands""",
    "past": """found lost opened closed painted carried dropped repaired bought sold borrowed cleaned moved watched
        forgot remembered described admired followed finished noticed wanted broke counted covered""",
    "walked": """walked ran drove hurried wandered traveled climbed sailed returned rode moved marched flew rushed""",
    "near": "near|behind|beside|under|above|across from|in front of|next to|not far from|on the other side of",
    "relative": """mother father sister brother aunt uncle cousin grandmother grandfather daughter son neighbor
        friend teacher husband wife boss""",
    "subject": """music history science art mathematics geography poetry politics chemistry medicine football chess
        cooking gardening painting swimming photography""",
    "part": "morning|afternoon|evening|night|weekend|summer|winter|spring|autumn|year|month|week",
    "distance": "miles kilometers meters feet minutes blocks steps yards",
    "ordinal": "first second third fourth fifth sixth seventh eighth ninth tenth twelfth twentieth",
    "surname": """Adams Baker Bennett Brooks Carter Clark Coleman Cooper Davis Edwards Evans Fisher Foster Gray Green Hall
        Harris Hayes Hill Howard Hughes Jenkins Johnson Kelly King Lee Lewis Marshall Martin Mason Miller Mitchell Moore
        Morgan Murphy Nelson Owens Parker Perry Peterson Phillips Porter Price Reed Reynolds Richards Roberts Rogers Ross
        Russell Sanders Scott Shaw Simpson Smith Stevens Stone Sullivan Taylor Thompson Turner Walker Wallace Watson West
        White Williams Wilson Wood Wright Young""",
    "first": """Abigail Adam Albert Alexander Amelia Andrew Angela Anthony Arthur Barbara Benjamin Caroline Catherine Charles
        Charlotte Christopher Claire Dennis Diana Dorothy Edward Eleanor Elizabeth Ellen Emily Eric Ethan Florence Francis
        Gabriel Gloria Hannah Harold Harry Heather Hugh Isabella Jason Jennifer Jessica Joan Joseph Joshua Judith Justin
        Keith Kevin Lawrence Leonard Lillian Louis Lucy Luke Margaret Marie Mark Matthew Megan Melissa Monica Nancy Nathan
        Nicole Patricia Patrick Peggy Philip Rachel Ralph Raymond Rebecca Richard Roger Roy Ryan Samantha Sandra Sophia
        Stephen Steven Stella Teresa Timothy Tony Vincent Virginia Walter Zoe""",
    "title": "Mr. Mrs. Dr. Professor Captain Judge Uncle Aunt",
    "town": """Birmingham|Manchester|Glasgow|Liverpool|Bristol|Cambridge|Leeds|Philadelphia|Phoenix|Houston|Atlanta|Detroit|
        Miami|Portland|Nashville|Baltimore|Montreal|Vancouver|Melbourne|Auckland|Cape Town|Nairobi|Cairo|Istanbul|Budapest|
        Warsaw|Stockholm|Helsinki|Copenhagen|Hamburg|Munich|Zurich|Geneva|Brussels|Barcelona|Venice|Florence|Naples|
        Singapore|Bangkok|Mumbai|Shanghai|Havana|Lima""",
    "said": "said|asked|whispered|shouted|answered|cried|replied|repeated",
    "who": "he|she|{name}|the {job}|the old man|the little girl|my {relative}|the {adjective} {job}",
    "noun": """idea reason story secret mistake promise surprise problem accident dream chance moment plan joke rumor journey
        conversation decision experiment discovery holiday adventure present invitation argument victory""",
    "verb": """leave stay wait stop listen remember forget understand believe explain decide agree apologize return begin
        finish continue hurry rest practice celebrate complain worry improve""",
    "reply": """Yes|No|Why|When|Where|How|Who|What|Never|Always|Maybe|Perhaps|Sure|Certainly|Exactly|Please|Thanks|Sorry|
        Hello|Goodbye|Welcome|Wait|Stop|Listen|Look|Careful|Quickly|Slowly|Nothing|Everything|Something|Nobody|Everybody|
        Tomorrow|Yesterday|Today|Tonight|Now|Later|Soon|Again|Enough|Ready|Finished|Wonderful|Terrible|Excellent|Perfect|
        Really|Indeed|Absolutely|Probably|Possibly|Hardly|Almost|Impossible|Nonsense|Good|Bad|Fine|Great|Right|Wrong|True|
        False|Left|Up|Down|Inside|Outside|Upstairs|Here|There|Everywhere|Nowhere|Alone|Together|Help|Run|Sit|Silence|
        Peace|Morning|Evening|Winter|Summer|Music|Water|Fire|Home|Because|Already|Besides|Suddenly|Finally|However""",
    "pair": """Not yet|Not now|Not really|Of course|Thank you|No thanks|Yes please|Very well|All right|Come in|Sit down|
        Go away|Good morning|Good night|Good evening|Good idea|Never mind|Who knows|Why not|How much|How many|How far|
        What else|Where to|Since when|Right now|Right here|Over there|Too late|Too much|Too early|Much better|Even worse|
        Just once|Next week|Last night|This way|Far away|So what|I see|I know|I agree|I promise|You win|He did|She can't|
        We won|They left|It works|Don't move|Be quiet|Wait here|Follow me|Look out|Hold on|Keep going|Try again|Well done|
        Happy birthday|Excuse me|No problem|No idea|No way|Nice work|Any questions|Anything else|Are you|Do they|Did she|
        Can we|At last|At home|In bed|On time|By train|For me|Almost there|Half past|A little|A lot""",
    "feeling": "happy|sad|tired|worried|proud|afraid|surprised|glad|sorry|excited|grateful|ready|sure|confused",
}
SLOTS = {name: [" ".join(word.split()) for word in re.split(r"\|", text)] if "|" in text else text.split()
         for name, text in SLOTS.items()}

PATTERNS = {"everyday": """
Hello, {name}.|Good morning, {name}.|Good night, {name}, sleep well.|Thank you very much, {name}.|Yes, of course.
No, not today.|Please sit down.|See you on {day}.|See you in {city}.|How are you, {name}?|I am {feeling}.|Are you {feeling}?
What a {adjective} {thing}!|Where is the {place}?|Wait for me {near} the {place}.|It is {weather} today.|Come in, please.
My name is {name}, and I live in {city}.|My {relative} is a {job}.|She works as a {job} in {city}.
Could you please open the {thing}?|Would you like some {food} or some {drink}?|I would like a cup of {drink}, please.
Please put the {thing} {near} the {thing}.|The {color} {thing} is {near} the {adjective} {thing}.
Turn left at the {place}, then walk {small} {distance}.|The next {vehicle} to {city} leaves at {time}.
The {vehicle} from {city} arrives at {time} on {day}.|We will meet {near} the {place} at {time}.
Can you wake me up at {time} tomorrow?|Set a timer for {count} minutes.|Remind me to call {name} on {day}.
Call my {relative} at {time}, please.|What is the weather like in {city}?|It will be {weather} in {city} on {day}.
Tomorrow will be {weather}, with a high of {small} degrees.|The temperature fell to {small} degrees last {part}.
The meeting begins at {time} in room {small}.|My flight number is {digits}.|The code is {digits}.
The number you have called is {digits}.|Her phone number is {digits}.|It costs {price}.|The {thing} costs {price}.
That will be {price}, please.|He paid {price} for the {adjective} {thing}.|The answer is {count}.|Chapter {small}.
{count} plus {small} is {sum}.|There are {count} {plural} in the {place}.|The {place} is {small} {distance} from here.
He was born on {month} {nth}, in {city}.|The festival takes place every {month} in {country}.
In the year {year}, my {relative} moved to {country}.|The {place} was built in {year}.
On {day}, {name} {past} the {adjective} {thing}.|{name} {past} a {color} {thing} {near} the {place}.
{name} and {name} {walked} to the {place} together.|The {adjective} {job} {walked} {adverb} toward the {place}.
The {adjective} {animal} {walked} across the {place}.|A {color} {animal} slept {near} the {thing}.
Every {part}, the {job} {walked} from {city} to {city}.|The {plural} {near} the {place} were {adjective}.
Why did the {job} forget the {thing}?|Who left this {adjective} {thing} in the {room}?
Did you know that {name} speaks {count} languages?|When does the {place} open on {day}?
How many {plural} did you see in {country}?|Which {thing} do you like better, the {color} one or the {color} one?
If it is {weather} on {day}, we will stay in the {room}.|Because it was {weather}, the {vehicle} was late.
Although the {job} was {feeling}, he {adverb} {past} the {thing}.|I have never seen such a {adjective} {animal}.
My {relative} loves {subject}, but my {relative} prefers {subject}.|She is studying {subject} in {country}.
They talked about {subject} and {subject} until {time}.|The {ordinal} {thing} on the left is mine.
He was the {ordinal} {job} in the family.|Nobody {past} the {plural} in the {room}.|Everyone in the {place} was {feeling}.
Do not forget your {thing} and your {thing}.|The {room} smelled of {food} and {drink}.
We bought {food}, {food}, and {food} at the market.|For breakfast I had {food} with {drink}.
The {relative} of the {job} gave me a {adjective} {thing}.|There was a {adjective} {thing} in every {room}.
I was {feeling} to hear that {name} is coming next {part}.|Let us go to the {place} this {part}.
The {adjective} {plural} of {country} are famous.|From the {place} you can see the {plural} of {city}.
{adverb_first}, the {thing} fell from the {thing}.|{adverb_first}, {name} opened the {color} door.
The news from {country} made the {plural} {feeling}.|Please read the {ordinal} page of the {adjective} book.
The {job} asked the {job} for a {adjective} {thing}.|Her {color} coat was too {adjective} for the {part}.
""", "dialogue": """
"Come here," {who} {said}, "and bring the {thing}."|"{reply}," {who} {said}.|"{pair}!" {who} {said}, and {past} the {thing}.
"I am {feeling}," {who} {said}. "And you?"|{who} {said}, "The {noun} was not mine."|"Who {past} my {thing}?" {who} {said}.
"Have you seen the {adjective} {animal}?" {who} {said}. "It was {near} the {thing}."|"{name}, where is your {thing}?" {who} {said}.
{who} {said} {adverb}, "We must {verb} before {day}."|"You know," {who} {said}, "I have never been to {city}."
"That," {who} {said} {adverb}, "is the {ordinal} {noun} of the {part}."|"If we {verb} now," {who} {said}, "nobody will {verb}."
"Do you want to {verb}?" "{pair}, I want to {verb}."|"What is in the {thing}?" "{food}, I think."|"Is it far?" "{small} {distance}."
"Good {part}, {title} {surname}," {who} {said}. "Please take a seat."|"My {relative} told me everything," {who} {said}.
"{reply}? {reply}!" {who} {said}.|"The {vehicle} is late," {who} {said}, "so let us {verb}."|"It's mine," {who} {said}. "I bought it in {city}."
"Don't {verb}," {who} {said}. "It's only a {animal}."|{who} looked at the {thing} and {said}, "{what_a} {noun}!"
""", "questions": """
Why don't we {verb}?|Who told you about the {noun}?|What did {who} say about the {noun}?|Where have you put the {color} {thing}?
When will the {job} {verb}?|How long does it take to reach {city} by {vehicle}?|Are there any {plural} {near} the {place}?
Can your {relative} {verb}?|Would you rather {verb} or {verb}?|Isn't that {title} {surname}'s {thing}?|Have you ever been to {country}?
Do you think that the {noun} was {adjective}?|Which of the {plural} is the most {adjective}?|Shall we {verb}, or shall we {verb}?
Didn't the {job} promise to {verb}?|Whose {thing} is this?|Is it true that {name} {past} the {thing}?|How {adjective} was the {place}?
What would happen if everybody began to {verb}?|Could I have {food} instead of {food}?|What time is it in {city}?
Was it you who {past} the {thing}?|How old is your {relative}?|You aren't {feeling}, are you?|So the {noun} was a {noun} after all?
Since when does {name} like {subject}?|Will it be {weather} on {day}?|Does anybody here speak {count_words} languages?
""", "exclamations": """
{what_a} {noun}!|How {adjective} you are!|Watch out for the {animal}!|Don't touch that {thing}!|That's the best {noun} I ever had!
Congratulations, {name}!|Look, a {color} {animal}!|I can't believe it!|Give me back my {thing}!|We won the {noun}!|Stop it at once!
Happy birthday, dear {name}!|Never {verb} again!|How kind of you, {title} {surname}!|Help, there is a {animal} in the {room}!
Let's {verb} right now!|You must be joking!|It's so {weather} outside!|What {adjective} {plural}!|I {past} it, I really did!
At last, the {vehicle} is here!|Be careful with the {thing}!|Hurry up, the {vehicle} leaves at {time}!|Long live {country}!
Get out of my {room}!|That was {adverb} the most {adjective} {noun} of my life!|Oh no, I forgot the {thing}!|Well done, everybody!
""", "names": """
{first} {surname} lives in {town}.|Have you met {first} and {first}?|{title} {surname} sent a letter to {first}.|This is {first} {surname}.
{first} introduced me to {title} {surname} from {town}.|From {town} we flew to {town}.|{first}, {first}, and {first} are cousins.
{surname} and {surname} opened an office in {town}.|I have a message for {first} {surname}.|{first} was born in {town}, in {country}.
Please call {first} {surname} in {town} on {day}.|The prize went to {first} {surname}.|My neighbors are {first} and {first} {surname}.
{title} {surname} teaches {subject} in {town}.|The road from {town} to {town} is closed.|{first} {surname} wrote about {country}.
On {month} {nth}, {first} married {first} {surname}.|{title} {surname}, may I introduce {first}?|{first} {surname}, please come to the {place}.
""", "numbers": """
{count}.|The answer is {large}.|{small}, {small}, {small}.|The total was {large}.|It is {time}.|{price}, please.|Room {digits}.
There were {large} people in {town}.|In {year} there were only {count} {plural}.|The train from {town} takes {small} minutes.
The number is {digits}.|Call {digits} after {time}.|He counted {count} {plural} and {count} {animal_plural}.|Page {small}, line {small}.
The temperature rose from {small} to {small} degrees.|The {place} was built between {year} and {year}.|It costs {price} or {price}.
About {percent} percent of the {plural} were {color}.|The box weighs {small} pounds.|My address is {count} {surname} Street.
The score was {small} to {small}.|They sold {large} copies in {year}.|{count} times {small} is more than {small}.|Half of {small} people.
""", "lists": """
{food}, {food}, and {food}.|{color}, {color}, {color}, and {color}.|We need {food}, {food}, {food}, and a {thing}.
She packed a {thing}, a {thing}, two {plural}, and a {thing}.|{day}, {day}, or {day}?|{name}, {name}, {name}, and {name} came to dinner.
I have visited {city}, {city}, {city}, and {city}.|The {animal}, the {animal}, and the {animal} ran away.
First we {verb}, then we {verb}, and finally we {verb}.|He is {adjective}, {adjective}, and {adjective}.
{subject}, {subject}, and {subject} are taught here.|A {color} {thing}, a {color} {thing}, and a {adjective} {animal}.
In {month}, {month}, and {month} it is {weather}.|{adverb_first}, {adverb}, but never {adverb}.|The {job}, the {job}, and my {relative}.
""", "words": """
{reply}.|{reply}.|{reply}!|{reply}?|{pair}.|{pair}.|{pair}!|{pair}?|{name}.|{name}?|{first}.|{city}.|{day}.|{month}.|{color}.|{small}.
{small}.|{food}.|{animal}.|{weather}.|{job}.|{thing}.|{adjective}.|{adverb}.|{noun}.|{verb}!|{reply}, {name}.|{reply}, {reply}.
A {animal}.|A {thing}?|The {place}.|{adjective} {thing}.|Two {plural}.|{country}.|{subject}.|Dear {name}.|{title} {surname}.
"""}
PATTERNS = {kind: [pattern for line in text.strip().splitlines() for pattern in line.split("|")] for kind, text in PATTERNS.items()}

ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen""".split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
NTHS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
        "twelve": "twelfth"}


def in_words(number):
    """A whole number below a million, as it is spoken."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (" " + ONES[number % 10] if number % 10 else "")
    if number < 1000:
        return ONES[number // 100] + " hundred" + (" " + in_words(number % 100) if number % 100 else "")
    return in_words(number // 1000) + " thousand" + (" " + in_words(number % 1000) if number % 1000 else "")


def nth_in_words(number):
    """The same as a place in an order: twenty first."""
    *start, last = in_words(number).split()
    last = NTHS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return " ".join([*start, last])


def fill(slot, random, figures):
    """The text of a slot; numbers are written in digits or in words."""
    write = (lambda number: f"{number:,}") if figures else in_words
    if slot == "small":
        return write(random.randrange(2, 60))
    if slot == "large":
        return write(random.choice([random.randrange(100, 1000), random.randrange(1000, 100_000), random.randrange(1, 900) * 1000]))
    if slot == "percent":
        return write(random.randrange(1, 100))
    if slot == "count_words":
        return in_words(random.randrange(3, 30))
    if slot == "count":
        return write(random.choice([random.randrange(2, 100), random.randrange(100, 10_000)]))
    if slot == "digits":
        numbers = [random.randrange(10) for _ in range(random.choice([3, 4, 4, 7]))]
        # Spaces prevent the digits from being read as one number.
        return " ".join(str(number) if figures else ONES[number] for number in numbers)
    if slot == "year":
        century, rest = random.choice([17, 18, 19, 19, 20]), random.randrange(11, 100)
        return f"{century}{rest}" if figures else f"{in_words(century)} {in_words(rest)}"
    if slot == "nth":
        number = random.randrange(1, 29)
        return str(number) if figures else nth_in_words(number)
    if slot == "time":
        hour, minute = random.randrange(1, 13), random.choice([0, 0, 10, 15, 20, 25, 30, 30, 35, 40, 45, 50])
        if figures:
            return f"{hour}:{minute:02d}" if minute else f"{hour} o'clock"
        return f"{ONES[hour]} {in_words(minute)}" if minute else f"{ONES[hour]} o'clock"
    if slot == "price":
        dollars, cents = random.randrange(2, 200), random.choice([0, 0, 20, 25, 50, 75, 99])
        if figures:
            return f"${dollars}.{cents:02d}" if cents else f"${dollars}"
        return f"{in_words(dollars)} dollars" + (f" and {in_words(cents)} cents" if cents else "")
    if slot == "adverb_first":
        return random.choice(SLOTS["adverb"]).capitalize()
    if slot == "animal_plural":
        return random.choice(["dogs", "cats", "horses", "cows", "birds", "rabbits", "ducks", "pigs", "goats", "snakes", "frogs", "eagles"])
    if slot == "what_a":
        return f"What a {random.choice(SLOTS['adjective'])}"
    return random.choice(SLOTS[slot])


def fill_pattern(pattern, random, figures):
    if "{sum}" in pattern:
        first, second = random.randrange(2, 60), random.randrange(2, 40)
        write = str if figures else in_words
        pattern = f"{write(first)} plus {write(second)} is {write(first + second)}."
    used = set()

    def another(match):
        """The content of a slot, if possible one that the sentence does not have yet."""
        for _ in range(5):
            filling = fill(match[1], random, figures)
            if filling not in used:
                break
        used.add(filling)
        return filling

    while "{" in pattern:  # the content of a slot may have slots
        pattern = re.sub(r"\{(\w+)\}", another, pattern)
    sentence = re.sub(r"\b([Aa]) (?=[aeiou])(?!one |uni|use)", r"\1n ", pattern)
    return re.sub(r'^"?[a-z]|(?<=[.?!] )"?[a-z]', lambda match: match[0].upper(), sentence)


def pattern_sentence(choose, kind="everyday", figures_share=0.3):
    """A sentence from a pattern, as it is written and as it is spoken: some have numbers in digits, all speak them in words."""
    pattern, figures, seed = choose.choice(PATTERNS[kind]), choose.random() < figures_share, choose.random()
    return tuple(fill_pattern(pattern, random.Random(seed), shown) for shown in (figures, False))


if __name__ == "__main__":
    generator = random.Random(1)
    for kind in PATTERNS:
        for _ in range(12):
            print(kind, *dict.fromkeys(pattern_sentence(generator, kind)), sep="\t")
