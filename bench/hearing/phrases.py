"""What is said in the corpora. Texts only; who says them and how is `corpora`'s."""

from __future__ import annotations

from typing import Final

# Spoken questions are those of bench/live/questions.py.

# More utterances that are finished, for missed ends.
FINISHED: Final = (
    "I would like to check in.", "My key card does not work.", "Please call me a taxi.",
    "We need two more towels.", "The shower is cold.", "I have lost my room key.",
    "I want to check out now.", "Thank you very much for your help.", "Good evening.",
    "I have a reservation for two nights.", "That sounds good.", "No, that is all for today.",
    "The television in our room is broken.", "I left my umbrella in the restaurant.",
    "Could you wake me at seven o'clock?", "Which tram goes to the old town?",
    "How much is a room with a view?", "Can you recommend a restaurant?",
    "Is the bar still open?", "It is too cold in my room.",
)  # fmt: skip

# Single words and the shortest answers, 48 by the synthetic voices and 16 recorded.
WORDS: Final = (
    "Taxi.", "Okay.", "Help.", "Thanks.", "Yes.", "No.", "Hello.", "Breakfast?", "Parking?",
    "Wi-Fi?", "Sauna?", "Checkout.", "Towels.", "Luggage.", "Dinner?", "Gym?", "Pool?", "Bar?",
    "Airport?", "Restaurant?", "Please.", "Sorry?", "What?", "Why?", "Goodbye.", "Tomorrow.",
    "Tonight?", "Two.", "Seven.", "Eleven.", "Upstairs?", "Elevator?", "Password?", "Reception.",
    "Water.", "Coffee.", "Receipt.", "Key.", "Doctor!", "Police!", "Great.", "Right.", "Never.",
    "Stop.", "Again.", "Maybe.", "Sunday.", "Music.",
)  # fmt: skip
WORD_PROMPTS: Final = (
    "hello", "goodbye", "activated", "digits/1", "digits/2", "digits/3", "digits/4", "digits/5",
    "digits/7", "digits/8", "digits/9", "digits/11", "digits/12", "digits/today",
    "digits/yesterday", "auth-thankyou",
)  # fmt: skip

# 8 s and more when spoken.
LONG: Final = (
    "Good morning, we arrived late last night with two small children and a very tired dog, and "
    "now I would like to know until what time we can have breakfast in the restaurant downstairs.",
    "My flight leaves tomorrow at a quarter past six in the morning, so could you please tell me "
    "how I get to the airport that early and how much I would have to pay for it?",
    "I booked a double room with a view of the harbour for three nights, but the one you gave us "
    "looks at the parking lot, and I would like to know whether we can change it today.",
    "When I came back from the beach this afternoon my key card did not open the door any more, "
    "and the cleaner told me that I should ask you for a new one here at the desk.",
    "My wife would like to go swimming before dinner while I look after the children, so can you "
    "tell us how warm the water is and whether she has to bring her own towel?",
    "We are planning a meeting for about twenty people from our office in the first week of March, "
    "and I would like to know if you have a room for that with a large screen.",
    "I have tried to get onto the internet with my laptop for half an hour now, and every time it "
    "asks me for a password that I cannot find anywhere in my room.",
    "Before we go out tonight we want to leave some jewellery and two passports in a safe place, "
    "and I wonder if there is a safe in the room or whether you keep such things here.",
    "Since it has been raining all day and we do not want to walk far, which restaurant in the "
    "neighbourhood would you recommend for a quiet dinner with my parents?",
    "I know that the check out time is eleven o'clock, but our train does not leave before five in "
    "the afternoon, so could we perhaps keep the room for a few hours longer?",
)  # fmt: skip
LONG_PROMPTS: Final = (
    "dictate/play_help", "demo-nogo", "confbridge-mute-extended", "vm-opts-full", "dir-intro",
    "dir-intro-fn", "conf-usermenu", "vm-msginstruct", "demo-moreinfo", "demo-abouttotry",
)  # fmt: skip

MONOLOGUES: Final = (
    (
        "Good evening, I hope you can help me with something that happened today.",
        "We took the morning boat to the island because the weather was so nice.",
        "My husband carried the big blue bag with the towels and all of our food.",
        "We had lunch on a bench beside the lighthouse and watched the birds.",
        "Then the children wanted ice cream, and we walked back to the village.",
        "The shop was closed, so we waited for the next boat in the sun.",
        "On the boat I noticed that the blue bag was not with us any more.",
        "I think that we left it on the bench beside the lighthouse.",
        "In the bag there is a camera and the medicine of my youngest son.",
        "Do you know whom I can call about things that were left on the island?",
    ),
    (
        "Hello, I am calling about the party for my mother next Saturday.",
        "She will be seventy years old, and the whole family is coming.",
        "There will be twenty four people, and six of them are small children.",
        "My uncle does not eat meat, and two cousins cannot have any milk.",
        "We would like to begin at four o'clock with coffee and cake.",
        "After that there should be some music and time to talk in the garden.",
        "Dinner can be at seven, and a simple menu with fish would be lovely.",
        "My brother wants to show some old pictures on a large screen.",
        "Most of us will stay the night, so we need nine double rooms.",
        "Could you tell me what all of that would cost us together?",
    ),
    (
        "Excuse me, I have a few questions about our stay in this hotel.",
        "First of all the window in our bathroom does not close any more.",
        "It was windy last night, and we could hardly sleep because of the noise.",
        "The second thing is the heating, which is either very hot or cold.",
        "My wife has tried all of the buttons, and nothing seems to happen.",
        "Then there is the lamp beside the bed, and it flickers all the time.",
        "I would also like to have another pillow, because mine is too soft.",
        "By the way, the breakfast this morning was really excellent.",
        "We have never had such good bread anywhere in this country.",
        "When could somebody come up and have a look at the window?",
    ),
    (
        "I want to tell you about our plans for tomorrow and ask for your advice.",
        "In the morning we would like to visit the old castle on the hill.",
        "A friend told us that there is a small train that goes up there.",
        "At noon we want to eat something simple near the market square.",
        "Our daughter likes trains, and our son is interested in old ships.",
        "So in the afternoon we might go to the museum at the harbour.",
        "I have read that it is closed on some days during the winter.",
        "If it rains we could stay here and use the swimming pool instead.",
        "In the evening we are invited by an old friend from school.",
        "Which of these things should we book today, and where can we do that?",
    ),
    (
        "Let me explain why I need a room for two more nights.",
        "My car broke down yesterday on the road along the coast.",
        "A farmer was so kind to pull it to the garage in the next village.",
        "The people at the garage say that they have to order a part.",
        "It will come from the capital, and nobody knows exactly when.",
        "Until then I cannot drive home, and the buses are not running.",
        "My office has been told, and they are not very happy about it.",
        "I could work from here if there is a quiet place with a desk.",
        "It would also help me to know where I can wash some shirts.",
        "Is my room still free, or would I have to move to another one?",
    ),
)  # fmt: skip

# A pause of 1 to 1.5 s where "|" stands.
PAUSED: Final = (
    "I would like to book a table | for four people at seven.",
    "Can you tell me | where the nearest pharmacy is?",
    "We are looking for | the way to the swimming pool.",
    "My wife and I | would like to stay another night.",
    "Is it possible to | leave our luggage here until the evening?",
    "I have a question about | the price of the parking garage.",
    "Could you please | send somebody up to my room?",
    "What time does the | breakfast begin on Sundays?",
    "I need a taxi to | the railway station at half past five.",
    "Do you know if | the museum is open on Mondays?",
)  # fmt: skip

# A hesitation where a mark stands: "|" a pause, "~" an "um" with pauses around it, "_" the word
# before it drawn out, and a short pause.
HESITANT: Final = (
    "I would like to | book a room for two nights.",
    "Can you tell me where the ~ the swimming pool is?",
    "I am looking for_ the way to the station.",
    "What time is | breakfast on Sunday?",
    "Could I have a_ a table for two tonight?",
    "We need ~ two more towels in our room.",
    "How do I get to the | to the airport from here?",
    "Is there a place where | I can wash my clothes?",
    "My room is ~ a little bit too cold.",
    "I was wondering if_ we could check out later.",
    "Do you have a room with_ a view of the harbour?",
    "I think I left my | my jacket in the restaurant.",
    "Can I ask you about ~ the price of the parking?",
    "We would like to eat | something without any meat.",
    "The password for the_ internet does not work.",
    "Could you wake us ~ at six in the morning?",
    "Where can I find | a doctor who speaks English?",
    "I need to print ~ my boarding pass for tomorrow.",
    "Is the gym open_ late in the evening?",
    "Can we take the | the dog into the dining room?",
)  # fmt: skip

# What the avatar says while it is to be interrupted, or not: some 15 s.
SPEECH: Final = (
    "Breakfast is served in the Garden Room on the second floor, every day from half past six "
    "until half past ten. On weekends you can sleep a little longer, because it ends at eleven. "
    "There is fresh bread from our own oven, fruit, cheese, eggs as you like them, and porridge."
)
SMALL: Final = (
    "Certainly.", "With pleasure.", "Of course you can.", "The lift is on the left.",
    "It is on the second floor.", "That is no problem at all.", "I will tell them.",
    "Have a nice evening.", "You are welcome.",
)  # fmt: skip

BACKCHANNELS: Final = ("Mm-hm.", "Yes.", "Okay.", "Right.", "Uh-huh.", "I see.")
BYSTANDER: Final = (
    "Did you bring the keys for the car, or are they still upstairs in the room?",
    "Look at that, they have changed the paintings in the hall since last year.",
    "No, I told him that we would meet at the station at about a quarter to nine.",
)  # fmt: skip
BARGE_INS: Final = (
    "Stop talking, please.", "No, wait. Where is the gym?", "Excuse me, that is not what I asked.",
    "Hold on a second.", "Sorry, can I ask you something else?", "How much does it cost?",
)  # fmt: skip
BARGE_PROMPTS: Final = ("tt-somethingwrong", "vm-savefolder", "tt-weasels", "hello-world")
