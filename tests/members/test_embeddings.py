"""Texts as vectors, with a language model and as sentence-transformers saves them."""

import json

import pytest
import torch
from safetensors.torch import save_file

import tiny
from amongus.core.errors import StudyError
from amongus.members import embeddings


def test_a_language_models_folder_embeds_each_text_by_itself(tmp_path, capfd):
    base = tiny.checkpoint(tmp_path / "base")
    capfd.readouterr()
    texts = ["how many", "what is the question that the user is this", "how many", ""]
    made = embeddings.embed(base, texts)
    assert made.shape == (4, tiny.WIDTH) and made.dtype == torch.float32
    assert torch.equal(made[0], made[2]) and not torch.allclose(made[0], made[1])
    assert torch.allclose(made[:3].norm(dim=1), torch.ones(3))
    embeddings._load.cache_clear()
    again = embeddings.embed(base, texts[1::-1])
    assert torch.equal(again, made[[1, 0]])
    assert torch.allclose(made[0], _by_hand(base, texts[0]), atol=1e-5)
    written = "".join(capfd.readouterr()).lower()
    assert "warning" not in written and "creating a new one" not in written


def _by_hand(base, text):
    """The mean of the last hidden states, normalised."""
    from transformers import AutoModel, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(base)(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        states = AutoModel.from_pretrained(base)(ids).last_hidden_state[0]
    return torch.nn.functional.normalize(states.mean(0), dim=0)


def test_a_folder_of_sentence_transformers_gives_what_it_was_saved_with(tmp_path):
    base = tiny.checkpoint(tmp_path / "base")
    plain = embeddings.embed(base, ["how many"])
    embeddings._load(base)[0].save(str(tmp_path / "saved"), create_model_card=False)
    assert (tmp_path / "saved" / "modules.json").exists()
    assert torch.allclose(embeddings.embed(tmp_path / "saved", ["how many"]), plain, atol=1e-6)


def test_a_tokenizer_without_a_padding_token_will_do(tmp_path):
    base = tmp_path / "base"
    with_pad = embeddings.embed(tiny.checkpoint(base), ["how many"])
    config = base / "tokenizer_config.json"
    fields = json.loads(config.read_text())
    del fields["pad_token"]
    config.write_text(json.dumps(fields))
    embeddings._load.cache_clear()
    assert torch.equal(embeddings.embed(base, ["how many"]), with_pad)


def test_what_is_no_embedder_is_refused(tmp_path):
    with pytest.raises(StudyError, match="no safetensors"):
        embeddings.embed(tmp_path, ["x"])
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(StudyError, match="not an embedding model"):
        embeddings.embed(tmp_path, ["x"])
    (tmp_path / "modules.json").write_text('[{"path": "2_Dense"}]')
    (tmp_path / "2_Dense").mkdir()
    (tmp_path / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(StudyError, match="2_Dense: no safetensors"):
        embeddings.embed(tmp_path, ["x"])
