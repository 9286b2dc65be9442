"""Everyday sentences made from patterns: requests, times, prices, weather, travel, plans, small talk."""
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
    "feeling": "happy|sad|tired|worried|proud|afraid|surprised|glad|sorry|excited|grateful|ready|sure|confused",
}
SLOTS = {name: [" ".join(word.split()) for word in re.split(r"\|", text)] if "|" in text else text.split()
         for name, text in SLOTS.items()}

PATTERNS = """
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
""".strip()
PATTERNS = [pattern for line in PATTERNS.splitlines() for pattern in line.split("|")]

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
    """What a slot becomes; numbers are written in figures or in words."""
    write = (lambda number: f"{number:,}") if figures else in_words
    if slot == "small":
        return write(random.randrange(2, 60))
    if slot == "count":
        return write(random.choice([random.randrange(2, 100), random.randrange(100, 10_000)]))
    if slot == "digits":
        numbers = [random.randrange(10) for _ in range(random.choice([3, 4, 4, 7]))]
        # Spaces keep the figures from being read as one number.
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
    return random.choice(SLOTS[slot])


def pattern_sentence(random, figures_share=0.3):
    """One sentence from a pattern; the share of those with numbers that show them in figures is given."""
    pattern = random.choice(PATTERNS)
    figures = random.random() < figures_share
    if "{sum}" in pattern:
        first, second = random.randrange(2, 60), random.randrange(2, 40)
        write = str if figures else in_words
        sentence = f"{write(first)} plus {write(second)} is {write(first + second)}."
    else:
        sentence = re.sub(r"\{(\w+)\}", lambda match: fill(match[1], random, figures), pattern)
    sentence = re.sub(r"\b([Aa]) (?=[aeiou])(?!one |uni|use)", r"\1n ", sentence)
    return sentence[0].upper() + sentence[1:]


if __name__ == "__main__":
    generator = random.Random(1)
    for _ in range(40):
        print(pattern_sentence(generator))
