"""Tiny random checkpoints for tests: a tokenizer, a Llama, adapters and vectors, made in milliseconds."""

import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForSequenceClassification,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LAYERS, WIDTH = 3, 32


def tokenizer(template: str | dict[str, str] | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """Byte-level BPE of about 340 tokens with single digits and a ChatML template."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        ["user assistant system the question is this what that answer how many right wrong"] * 4,
        trainers.BpeTrainer(
            vocab_size=340,
            special_tokens=SPECIAL,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=SPECIAL[2], pad_token=SPECIAL[0], chat_template=template
    )


def pieces(template: str = TEMPLATE) -> PreTrainedTokenizerFast:
    """A tokenizer as Llama 2's: a blank before each text, blanks as ▁, bytes for what has no piece."""
    characters = [chr(code) for code in range(33, 127)]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    words = ["▁t", "th", "▁th", "at", "▁that", "is", "▁is", "▁w"]
    vocabulary = {piece: place for place, piece in enumerate([*SPECIAL, "<unk>", *bytes_, "▁", *characters, *words])}
    merges = [("▁", "t"), ("t", "h"), ("▁", "th"), ("a", "t"), ("▁th", "at"), ("i", "s"), ("▁", "is"), ("▁", "w")]
    bpe = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    bpe.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    bpe.add_special_tokens([*SPECIAL, "<unk>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=SPECIAL[2], pad_token=SPECIAL[0], unk_token="<unk>", chat_template=template
    )


def config(vocabulary: int, **changes: object) -> LlamaConfig | MistralConfig | Qwen2Config:
    """A Llama (or the `kind` mistral or qwen2) of three layers of width 32 whose logits differ enough to be sampled."""
    fields = {
        "vocab_size": vocabulary,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
        "initializer_range": 0.3,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    kinds = {"llama": LlamaConfig, "mistral": MistralConfig, "qwen2": Qwen2Config}
    return kinds[changes.pop("kind", "llama")](**{**fields, **changes})


def checkpoint(path: Path, seed: int = 0, **changes: object) -> str:
    """Save a random causal model and its tokenizer; returns the folder."""
    torch.manual_seed(seed)
    made = tokenizer()
    AutoModelForCausalLM.from_config(config(len(made), **changes)).save_pretrained(path)
    made.save_pretrained(path)
    return str(path)


def reward_checkpoint(path: Path, seed: int = 0) -> str:
    """Save a random sequence classifier with one output; returns the folder."""
    torch.manual_seed(seed)
    made = tokenizer()
    LlamaForSequenceClassification(config(len(made), num_labels=1)).save_pretrained(path)
    made.save_pretrained(path)
    return str(path)


def embedder(path: Path, seed: int = 0) -> str:
    """Save a random BERT with mean pooling as sentence-transformers does; returns the folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules.transformer import Transformer
    from sentence_transformers.sentence_transformer.modules.pooling import Pooling
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    made = tokenizer()
    made.chat_template = None
    shape = {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    with tempfile.TemporaryDirectory() as folder:
        BertModel(BertConfig(vocab_size=len(made), **shape)).save_pretrained(folder)
        made.save_pretrained(folder)
        states = Transformer(folder)
        model = SentenceTransformer(modules=[states, Pooling(states.get_embedding_dimension())], device="cpu")
        model.save(str(path), create_model_card=False)
    return str(path)


def adapter(path: Path, base: str, seed: int = 1, rank: int = 4, named: str | None = None) -> str:
    """Save a random LoRA adapter for `base`, which it names `named`; returns the folder."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj"]
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets, init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings)
    model.peft_config["default"].base_model_name_or_path = named or base
    model.save_pretrained(path)
    return str(path)


def vectors(path: Path, seed: int = 2, layers: int = LAYERS, width: int = WIDTH) -> str:
    """Save random steering vectors [layers, width]; returns the file."""
    generator = torch.Generator().manual_seed(seed)
    save_file({"vectors": torch.randn(layers, width, generator=generator)}, str(path))
    return str(path)
