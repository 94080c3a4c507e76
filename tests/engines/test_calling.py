"""Visitors who ask for a person in the page's other languages, and those who ask something else."""

import pytest

from visavis.engines.language.calling import calls
from visavis.engines.language.commands import Command, Commands

CALLS = [
    "Kann ich mit einem Menschen sprechen?",
    "Ich möchte mit jemandem vom Personal sprechen, bitte.",
    "Könnte ich bitte mit einem Mitarbeiter reden?",
    "Holen Sie bitte jemanden.", "Einen Menschen, bitte!",
    "Ich würde lieber mit einer echten Person sprechen.",
    "Können Sie jemanden rufen?",
    "¿Puedo hablar con una persona?",
    "Quiero hablar con alguien del personal, por favor.",
    "Me gustaría hablar con un ser humano.", "Llame a alguien, por favor.",
    "¡Una persona real!",
    "¿Podría llamar a alguien?", "Prefiero hablar con un empleado.",
    "Puis-je parler à quelqu'un, s'il vous plaît ?",
    "J'aimerais parler à une vraie personne.",
    "Je voudrais parler avec un employé.", "Appelez quelqu'un !",
    "Pouvez-vous appeler quelqu'un ?",
    "Je veux un humain.", "Est-ce que je peux parler à un conseiller ?",
    "我想跟真人说话。", "请转人工！", "人工服务",
    "可以跟工作人员说话吗？", "请叫工作人员来", "我要找真人。", "转人工服务",
    "هل يمكنني التحدث إلى شخص حقيقي؟", "أريد أن أتحدث مع موظف.",
    "أريد التحدث مع إنسان من فضلك",
    "نادي أحدًا من فضلك", "ممكن أتكلم مع موظف الاستقبال؟",
]  # fmt: skip
OTHERS = [
    "Kann ich mit meinem Hund kommen?", "Ich möchte mit Karte zahlen.",
    "Sind Sie ein Mensch?",
    "Kann ich mit jemandem über meine Rechnung sprechen?",
    "Wie viele Menschen passen in das Zimmer?",
    "¿Puedo hablar por teléfono?", "¿Es usted una persona?",
    "Una habitación para una persona",
    "¿Puedo hablar con alguien sobre mi factura?", "Quiero una habitación.",
    "Puis-je payer par carte ?", "Êtes-vous une personne ?",
    "Je voudrais une chambre pour une personne.",
    "Pouvez-vous appeler un taxi ?", "你是真人吗？", "早餐几点？",
    "可以带狗吗？", "两个人的房间", "叫出租车",
    "هل أنت إنسان؟", "أين المسبح؟", "أريد غرفة لشخص واحد", "متى الإفطار؟", "",
    "?!", "please",
    "Hello, may I check in?", "Bitte", "Gracias", "谢谢",
]  # fmt: skip


@pytest.mark.parametrize("text", CALLS)
def test_who_asks_for_a_person_is_understood(text):
    assert calls(text)
    assert Commands().read(text, speaking=False) == Command("staff")


@pytest.mark.parametrize("text", OTHERS)
def test_who_asks_something_else_is_not_taken_for_it(text):
    assert not calls(text)


@pytest.mark.parametrize("text", ["bitte " * 20 + "x", "mit einem " * 15, "我想" * 60, "a" * 190])
def test_long_texts_take_no_time(text):
    assert not calls(text)
