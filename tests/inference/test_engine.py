"""The engine against a plain loop without cache, and its promise: a text depends on its key alone."""

import itertools
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM
from transformers.generation.logits_process import RepetitionPenaltyLogitsProcessor

import tiny
from amongus.core.errors import StudyError
from amongus.inference import decode as decoding
from amongus.inference import engine as engine_module
from amongus.inference import rounding, streams
from amongus.inference import sampler as choosing
from amongus.inference.answer_cache import Store
from amongus.inference.engine import Engine
from amongus.inference.rounding import GRID
from amongus.inference.sampler import choose
from amongus.inference.sampling_params import Sampling
from amongus.members.member import Member, Steering
from amongus.members.requests import EnsembleRequest, Request, user

WORDS = ["this", "that", "many", "7", "question", "<|im_end|>"]
SAMPLING = Sampling(temperature=1.0, top_p=0.95, max_new_tokens=12)
PENALISED = Sampling(temperature=0.8, repetition_penalty=1.4, top_k=20, max_new_tokens=12)
TEAM = ("plain", "tuned", "steered", "other")


def mean(logits):
    return logits.mean(0)


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    base = tiny.checkpoint(folder / "base")
    other = tiny.checkpoint(folder / "other", seed=9)
    first = tiny.adapter(folder / "first", base)
    second = tiny.adapter(folder / "second", base, seed=5, rank=8)
    steering = Steering(tiny.vectors(folder / "vectors.safetensors"), 2, 1.5)
    made = {
        "plain": (base,),
        "tuned": (base, first, "be this"),
        "persona": (base, first, "be that"),
        "second": (base, second),
        "steered": (base, first, None, steering),
        "other": (other,),
    }
    return {name: Member(name, *parts, fingerprint=f"f{number}") for number, (name, parts) in enumerate(made.items())}


@pytest.fixture(scope="module")
def questions():
    rng = random.Random(0)
    return [user(" ".join(rng.choices(WORDS, k=rng.randrange(1, 30)))) for _ in range(10)]


@pytest.fixture
def build(members):
    def make(sampling=SAMPLING, **options):
        return Engine(members, sampling, seed=3, **options)

    return make


def everything(engine, questions):
    """Texts of all members, of an ensemble, and label logits."""
    requests = [Request(name, question) for name in engine.members for question in questions]
    team = [EnsembleRequest(TEAM, question) for question in questions]
    return (
        engine.generate(requests),
        engine.ensemble(team, mean, "mean"),
        engine.label_logits("tuned", questions, ["1", "2"], continuation="this"),
    )


@pytest.mark.parametrize("name", ["plain", "tuned", "steered"])
@pytest.mark.parametrize("temperature", [0, 1.0])
def test_texts_are_those_of_a_plain_loop(build, questions, members, name, temperature):
    sampling = Sampling(temperature=temperature, top_p=0.95, max_new_tokens=8)
    engine = build(sampling)
    requests = [Request(name, question) for question in questions[:5]]
    for request, answer in zip(requests, engine.generate(requests), strict=True):
        read = engine._question((name,), request, members[name].fingerprint)
        ids, finish = plain_loop(members[name], list(read.prompts[0]), read.stream, sampling)
        text = engine._tokenizer(name).decode(ids, skip_special_tokens=True)
        assert (answer.text, answer.n_tokens, answer.stop_reason) == (text, len(ids), finish)


def plain_loop(member, ids, key, sampling):
    """Full forward passes of a separately loaded model whose adapter is merged into its weights."""
    model = LlamaForCausalLM.from_pretrained(member.base)
    if member.adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, member.adapter).merge_and_unload()
    vector = None
    if member.steering:
        from safetensors.torch import load_file

        vectors = load_file(member.steering.path)["vectors"]
        vector = member.steering.coefficient * vectors[member.steering.layer - 1]
    start, layer = len(ids), member.steering.layer if member.steering else 0
    for position in range(sampling.max_new_tokens):
        logits = layer_by_layer(model.eval(), ids, start - 1, layer, vector)
        chosen, _ = choose(logits, torch.tensor([key]), position, sampling, exact=True)
        if int(chosen) == 2:
            return ids[start:], "stop"
        ids = [*ids, int(chosen)]
    return ids[start:], "length"


@torch.inference_mode()
def layer_by_layer(model, ids, start, steered_layer, vector):
    """Logits of the last position, the vector added by hand after layer `steered_layer` (from 1)."""
    hidden = model.model.embed_tokens(torch.tensor([ids]))
    rotary = model.model.rotary_emb(hidden, position_ids=torch.arange(len(ids))[None])
    for number, layer in enumerate(model.model.layers, start=1):
        hidden = layer(hidden, position_embeddings=rotary)
        if number == steered_layer:
            hidden[:, start:] += vector
    return model.lm_head(model.model.norm(hidden))[:, -1]


@pytest.mark.parametrize("sampling", [SAMPLING, PENALISED], ids=["plain", "penalised"])
def test_batch_sizes_leave_no_trace(build, questions, sampling):
    first, *rest = (everything(build(sampling, max_batch=size), questions) for size in (1, 7, 64))
    assert all(other == first for other in rest)
    assert everything(build(sampling, batch_tokens=150), questions) == first


def test_order_leaves_no_trace(build, questions):
    requests = [Request(name, question) for name in TEAM for question in questions]
    expected = dict(zip(map(repr, requests), build().generate(requests), strict=True))
    random.Random(1).shuffle(requests)
    answers = build(max_batch=9).generate(requests[:20]) + build(max_batch=5).generate(requests[20:])
    assert answers == [expected[repr(request)] for request in requests]


@pytest.mark.parametrize("temperature", [0, 0.7])
def test_rounding_leaves_no_trace(build, questions, monkeypatch, temperature):
    """Errors of nearly TAU / 2 in every batched logit change nothing.

    TAU is made large, so that most texts hold a token that the errors would change.
    """
    sampling = Sampling(temperature=temperature, max_new_tokens=10)
    expected = everything(build(sampling), questions)[:2]
    monkeypatch.setattr(choosing, "TAU", 0.1)
    disturb(monkeypatch, 0.049)
    assert everything(build(sampling), questions)[:2] == expected
    monkeypatch.setattr(choosing, "TAU", 0.0)
    assert everything(build(sampling), questions)[:2] != expected


def test_rounding_leaves_no_trace_in_label_logits(build, questions, monkeypatch):
    expected = build().label_logits("tuned", questions, ["1", "2", "3"])
    monkeypatch.setattr(rounding, "SLACK", 2e-4)
    disturb(monkeypatch, 1.9e-4)
    assert build().label_logits("tuned", questions, ["1", "2", "3"]) == expected
    monkeypatch.setattr(rounding, "SLACK", 0.0)
    assert build().label_logits("tuned", questions, ["1", "2", "3"]) != expected


def disturb(monkeypatch, size):
    """Add noise of at most `size` to every batched logit; canonical ones stay."""
    forward = vars(streams.Stream).get("_undisturbed", streams.Stream._forward)
    generator = torch.Generator().manual_seed(4)

    def disturbed(self, *arguments):
        logits = forward(self, *arguments)
        return logits + (torch.rand(logits.shape, generator=generator) * 2 - 1) * size

    monkeypatch.setattr(streams.Stream, "_undisturbed", forward, raising=False)
    monkeypatch.setattr(streams.Stream, "_forward", disturbed)


def test_equal_requests_are_asked_once_and_samples_differ(build, questions):
    engine = build()
    one = Request("plain", questions[0])
    answers = engine.generate([one, one, Request("plain", questions[0], sample=1)])
    assert answers[0] == answers[1] != answers[2]
    assert engine.stats["prompts_asked"] == 3 and engine.stats["prompts_generated"] == 2
    assert engine.stats["new_tokens"] == answers[0].n_tokens + answers[2].n_tokens
    assert engine.generate([]) == []


def test_seed_persona_and_combination_are_part_of_the_key(build, members, questions):
    requests = [Request("plain", question) for question in questions]
    assert build().generate(requests) != Engine(members, SAMPLING, seed=4).generate(requests)
    tuned, persona = ([Request(name, question) for question in questions] for name in ("tuned", "persona"))
    assert build().generate(tuned) != build().generate(persona)
    team = [EnsembleRequest(TEAM, question) for question in questions]
    assert build().ensemble(team, mean, "mean") != build().ensemble(team, mean, "another mean")


def test_members_share_bases(build, questions):
    engine = build()
    everything(engine, questions[:2])
    assert engine.stats["model_loads"] == 2
    base = engine._weights("tuned").base
    assert base is engine._weights("plain").base is engine._weights("steered").base
    assert engine._weights("tuned") == engine._weights("persona") != engine._weights("second")


def test_an_ensemble_of_one_member_and_of_copies_is_greedily_that_member(build, questions):
    engine = build(Sampling(temperature=0, max_new_tokens=10))
    alone = engine.generate([Request("tuned", question) for question in questions])
    for team in (("tuned",), ("tuned", "tuned", "tuned")):
        assert engine.ensemble([EnsembleRequest(team, q) for q in questions], mean, "mean") == alone


def test_what_is_stored_is_not_asked_again_and_needs_no_model(build, questions, tmp_path):
    first = build(store=Store(tmp_path / "store"))
    expected = everything(first, questions)[:2]
    again = build(store=Store(tmp_path / "store"))
    requests = [Request(name, question) for name in again.members for question in questions]
    assert again.generate(requests) == expected[0]
    assert again.ensemble([EnsembleRequest(TEAM, q) for q in questions], mean, "mean") == expected[1]
    assert again.stats["prompts_generated"] == again.stats["model_loads"] == again.stats["new_tokens"] == 0


def test_an_interruption_loses_nothing_that_was_generated(build, questions, tmp_path, monkeypatch):
    requests = [Request("plain", question) for question in questions]
    expected = build().generate(requests)
    calls = itertools.count()
    whole = Engine._decode

    def dying(self, *arguments):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setattr(Engine, "_decode", dying)
    with pytest.raises(KeyboardInterrupt):
        build(store=Store(tmp_path / "store"), max_batch=3).generate(requests)
    monkeypatch.setattr(Engine, "_decode", whole)
    resumed = build(store=Store(tmp_path / "store"))
    assert resumed.generate(requests) == expected
    assert resumed.stats["prompts_generated"] == len(questions) - 6


def test_texts_end_at_any_stop_token(build, members, questions, monkeypatch):
    engine = build(Sampling(temperature=0, max_new_tokens=10))
    request = Request("plain", questions[0])
    whole = engine.generate([request])[0]
    base = engine._weights("plain").base
    prompt = engine._prompt("plain", questions[0])
    ((ids, _),) = decoding.decode([engine._weights("plain")], [[prompt]], [0], engine.sampling)
    assert whole.text == base.tokenizer.decode(ids, skip_special_tokens=True)
    monkeypatch.setattr(base, "stops", [1, ids[4]])
    answer = engine.generate([request])[0]
    first = ids.index(ids[4])
    expected = base.tokenizer.decode(ids[:first], skip_special_tokens=True)
    assert (answer.text, answer.n_tokens, answer.stop_reason) == (expected, first, "stop")


def test_models_with_sliding_windows_are_invariant_too(questions, tmp_path):
    base = tiny.checkpoint(tmp_path / "windowed", kind="mistral", sliding_window=12)
    team = {"m": Member("m", base, fingerprint="f")}
    answers = [
        Engine(team, SAMPLING, seed=3, max_batch=size).generate([Request("m", q) for q in questions])
        for size in (1, 10)
    ]
    assert answers[0] == answers[1]


def test_prompts_read_in_pieces_are_the_same_prompts(build, questions, monkeypatch):
    expected = everything(build(), questions)
    monkeypatch.setattr(streams, "PREFILL_TOKENS", 60)
    assert everything(build(), questions) == expected


def test_repetition_penalty_is_that_of_transformers():
    logits = torch.tensor([[2.0, -1.0, 0.5, -0.2]])
    seen = torch.tensor([[True, True, False, False]])
    found = decoding._penalised(logits, seen, Sampling(repetition_penalty=1.3))
    expected = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([[0, 1, 1]]), logits.clone())
    assert torch.equal(found, expected)


def test_label_logits_are_those_of_the_next_token(build, members, questions):
    engine = build()
    (found,) = engine.label_logits("plain", questions[:1], ["1", "2"])
    ids = engine._prompt("plain", questions[0])
    model = LlamaForCausalLM.from_pretrained(members["plain"].base)
    labels = [engine._tokenizer("plain").convert_tokens_to_ids(label) for label in "12"]
    assert found == pytest.approx(layer_by_layer(model, ids, 0, 0, None)[0, labels].tolist(), abs=GRID)
    assert all(abs(value / GRID - round(value / GRID)) < 1e-6 for value in found)


def test_labels_of_several_tokens_are_scored_whole(build, members, questions):
    labels = ["1", "12", "that 2"]
    (found,) = build().label_logits("plain", questions[:1], labels)
    engine = build()
    prompt, encode = engine._prompt("plain", questions[0]), engine._tokenizer("plain").encode
    model = LlamaForCausalLM.from_pretrained(members["plain"].base)
    for value, label in zip(found, labels, strict=True):
        # One label begins with another, so that each ends with its turn.
        ids, total = [*prompt, *encode(label), 2], 0.0
        for place in range(len(prompt), len(ids)):
            total += float(layer_by_layer(model, ids[:place], 0, 0, None).log_softmax(-1)[0, ids[place]])
        assert value == pytest.approx(total, abs=5 * GRID)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_what_exceeds_the_window_is_refused_before_anything_is_decoded(tmp_path, kind, monkeypatch):
    base = tiny.checkpoint(tmp_path / "base", kind=kind, max_position_embeddings=64)
    engine = Engine({"m": Member("m", base, fingerprint="f")}, Sampling(max_new_tokens=40), 0)
    short, long = (user(f"how many {'7' * count}") for count in (3, 90))
    with pytest.raises(StudyError, match=r"'m' is asked \d+ tokens \('how many 777.*window is 64"):
        engine.generate([Request("m", short), Request("m", long)])
    assert engine.stats["new_tokens"] == 0
    with pytest.raises(StudyError, match="window is 64"):
        engine.label_logits("m", [long], ["1", "2"])
    assert engine.label_logits("m", [user("7" * 40)], ["1", "2"])


@pytest.mark.parametrize("end", ["<|endoftext|>", "END"])
def test_the_templates_own_end_of_a_turn_stops_a_text(tmp_path, end, monkeypatch):
    base = tiny.checkpoint(tmp_path / "base")
    made = tiny.tokenizer(tiny.TEMPLATE.replace("<|im_end|>", end))
    made.save_pretrained(base)
    written = [*made.encode("this" + end + "that"), *[5] * 12]
    monkeypatch.setattr(
        decoding, "choose", lambda scores, keys, place, *_, **__: (torch.full_like(keys, written[place]), keys >= 0)
    )
    engine = Engine({"m": Member("m", base, fingerprint="f")}, Sampling(max_new_tokens=12), 0)
    (answer,) = engine.generate([Request("m", user("what"))])
    assert (answer.text, answer.stop_reason) == ("this", "stop")


def test_label_logits_are_asked_for_once(build, questions):
    engine, plain = build(), build()
    first = engine.label_logits("plain", questions[:3], ["1", "2"])
    again = engine.label_logits("plain", [*questions[:5], questions[0]], ["1", "2"])
    assert again == [*first, *plain.label_logits("plain", questions[3:5], ["1", "2"]), first[0]]
    assert (engine.stats["prompts_asked"], engine.stats["prompts_generated"]) == (9, 5)
    assert engine.label_logits("plain", questions[:3], ["2", "1"]) == [row[::-1] for row in first]
    assert engine.label_logits("tuned", questions[:3], ["1", "2"]) != first


def test_unusable_requests_are_one_line(build, members, questions, tmp_path):
    with pytest.raises(StudyError, match=r"'nobody'.*other, persona"):
        build().generate([Request("nobody", questions[0])])
    with pytest.raises(StudyError, match="labels this, this apart"):
        build().label_logits("plain", questions, ["this", "this"])
    with pytest.raises(StudyError, match="without members"):
        build().ensemble([EnsembleRequest((), questions[0])], mean, "mean")
    nameless = Engine({"m": Member("m", members["plain"].base)}, SAMPLING, 0, store=Store(tmp_path))
    with pytest.raises(StudyError, match="fingerprint"):
        nameless.generate([Request("m", questions[0])])


def test_one_vocabulary_or_an_error(members, questions, tmp_path):
    base = tiny.checkpoint(tmp_path / "foreign", vocab_size=400)
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(["zzz"])
    tokenizer.save_pretrained(base)
    team = {**members, "foreign": Member("foreign", base, fingerprint="f9")}
    request = EnsembleRequest(("plain", "foreign"), questions[0])
    with pytest.raises(StudyError, match=r"'plain' and 'foreign' .*vocabular"):
        Engine(team, SAMPLING, 0).ensemble([request], mean, "mean")


def test_bases_of_one_vocabulary_may_have_rows_and_ends_of_their_own(tmp_path):
    """One lacks the row of a special token, and the other ends its turns by another token."""
    made, bases = tiny.tokenizer(), []
    made.add_special_tokens({"additional_special_tokens": ["<image>"]})
    for rows, end in ((len(made) - 1, "<|im_end|>"), (len(made) + 5, "<|endoftext|>")):
        bases.append(tiny.checkpoint(tmp_path / str(rows), vocab_size=rows))
        made.chat_template = tiny.TEMPLATE.replace("<|im_end|>", end)
        made.save_pretrained(bases[-1])
    team = {name: Member(name, base, fingerprint=name) for name, base in zip("ab", bases, strict=True)}
    for order in ("ab", "ba"):
        engine = Engine(team, SAMPLING, 0)
        (answer,) = engine.ensemble([EnsembleRequest(tuple(order), user("what"))], force(0), order)
        assert answer == ("", 0, "stop")


def force(token):
    """A combination that always wants one token."""
    return lambda logits: torch.full_like(logits[0], -9.0).index_fill_(1, torch.tensor([token]), 9.0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_before_anything_is_loaded(members, monkeypatch):
    monkeypatch.setattr(engine_module, "load_tokenizer", None)
    with pytest.raises(StudyError, match="no GPU"):
        Engine(members, SAMPLING, 0, device="cuda")


def test_the_engine_is_imported_without_torch():
    code = "import sys, amongus.inference.engine; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    path = str(Path(engine_module.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, check=True)
