"""Folders of CTranslate2 models: a real one of thirty words, and how the families are told apart.

tests/data/translation/toy-en-es is an encoder and a decoder of one layer each, trained on sentences
such as "The red house has the key." with marks in them; its pieces are sentencepiece's.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from visavis.engines.base import EngineError
from visavis.engines.translation import keeping, subwords, tags
from visavis.engines.translation.ctranslate import CTranslate, found

TOY = Path(__file__).parents[1] / "data" / "translation" / "toy-en-es"


@pytest.fixture(scope="module")
def toy() -> CTranslate:
    return CTranslate(TOY, threads=1)


def test_a_model_translates_sentence_by_sentence(toy: CTranslate) -> None:
    texts = ["The red house has the key. The dog sees the small cat!", "The cat buys the old book."]
    assert toy.translate(texts, "en", "es") == [
        "La casa roja tiene la llave. El perro ve el gato pequeño!",
        "El gato compra el libro viejo.",
    ]


def test_what_stays_stays(toy: CTranslate) -> None:
    texts = [
        "{{name}} sees the white table. Acme buys the old book.",
        "The dog [smiles] wants the car.",
    ]
    done = keeping.translated(toy, texts, "en", "es", ["Acme"])
    assert done == [
        keeping.Kept("{{name}} ve la mesa blanca. Acme compra el libro viejo."),
        keeping.Kept("El perro [smiles] quiere el coche."),
    ]


def test_a_sentence_that_is_too_long_for_a_model_loses_nothing() -> None:
    text = "The dog sees the cat " * 40
    (done,) = CTranslate(TOY, threads=1, longest=30).translate([text], "en", "es")
    # Which animal sees which a toy says by the processor's arithmetic, but not that there are few.
    assert len(done.split()) >= 150


def test_a_folder_of_models_has_each_by_its_name(tmp_path: Path) -> None:
    shutil.copytree(TOY, tmp_path / "opus-mt-en-es")
    argos = tmp_path / "translate-de_en-1_0"
    shutil.copytree(TOY, argos / "model")
    (argos / "metadata.json").write_text('{"from_code": "de", "to_code": "en"}')
    pairs = {each.pair for each in found(tmp_path)}
    assert pairs == {("en", "es"), ("de", "en")}
    models = CTranslate(tmp_path)
    assert models.translates("en-US", "es-MX")
    assert models.translates("de", "en")
    assert not models.translates("en", "de")
    assert models.translate(["The dog has the key."], "en", "es") == ["El perro tiene la llave."]


def test_what_is_missing_is_told_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"needs a model\.bin"):
        CTranslate(tmp_path)
    with pytest.raises(EngineError, match="cannot be read"):
        CTranslate(tmp_path / "nowhere")
    broken = tmp_path / "en-es"
    shutil.copytree(TOY, broken)
    (broken / "source.spm").unlink()
    with pytest.raises(EngineError, match="has no tokenizer"):
        CTranslate(broken).translate(["The dog."], "en", "es")
    (broken / "source.spm").write_bytes(b"no model")
    with pytest.raises(EngineError, match="no sentencepiece model"):
        CTranslate(broken).translate(["The dog."], "en", "es")
    shutil.copy(TOY / "source.spm", broken)
    (broken / "model.bin").write_bytes(b"no model")
    with pytest.raises(EngineError, match="no CTranslate2 model"):
        CTranslate(broken).translate(["The dog."], "en", "es")


@pytest.mark.parametrize(
    ("vocabulary", "target", "expected"),
    [
        ({"eng_Latn", "spa_Latn"}, "es", tags.Tags(("eng_Latn",), ("spa_Latn",))),
        ({"eng_Latn", "zho_Hans", "zho_Hant"}, "zh-TW", tags.Tags(("eng_Latn",), ("zho_Hant",))),
        ({"__en__", "__es__"}, "es", tags.Tags(("__en__",), ("__es__",))),
        ({"<2es>", "<2de>"}, "es-MX", tags.Tags(("<2es>",))),
        ({"en_XX", "es_XX", "es_ab"}, "es", tags.Tags(("en_XX",), ("es_XX",))),
        ({">>spa<<", ">>por<<"}, "es", tags.Tags((">>spa<<",))),
        ({"the", "dog", "en_us"}, "es", None),
        ({"eng_Latn", "deu_Latn"}, "es", None),
    ],
)
def test_families_are_known_by_their_vocabulary(
    vocabulary: set[str], target: str, expected: tags.Tags | None
) -> None:
    assert tags.found(vocabulary, "en", target) == expected


def test_tokenizers_of_transformers_are_read(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = [("<unk>", 0.0), ("\u2581the", -1.0), ("\u2581dog", -1.5), ("s", -2.0)]
    made = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.save(str(tmp_path / "tokenizer.json"))
    read = subwords.load(tmp_path)
    assert read.cut("the dogs") == ["\u2581the", "\u2581dog", "s"]
    assert read.join(["\u2581the", "\u2581dog", "s", "<none>"]) == "the dogs"
    (tmp_path / "tokenizer.json").write_text(json.dumps({"version": 1}))
    with pytest.raises(EngineError, match="no tokenizer"):
        subwords.load(tmp_path)
