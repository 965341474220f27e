"""The plan of a DeepSeek-V2 model: what inference/models/deepseek_v2.py computes."""

from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.native.plan_builder import Part, PlanBuilder
from inference.native.source import Weights
from kernels.cpu.plan import Kind


def plan_deepseek_v2(config: DeepseekV2Config, plan: PlanBuilder) -> None:
    """Append the layers."""
    for layer in range(config.num_hidden_layers):
        name = f"model.layers.{layer}."
        _plan_attention(config, plan, layer, name)
        if layer < config.first_k_dense_replace:
            mlp = _load_mlp(plan, name + "mlp.", config.hidden_size, config.intermediate_size)
            _plan_norm(config, plan, name, mlp[0])
            plan.mlp(*mlp)
        else:
            _plan_experts(config, plan, name)
        plan.end_sublayer()


def query_at(config: DeepseekV2Config) -> int:
    """Return the column where the queries begin: behind the inputs of the norms, if they have a latent of their own."""
    return 0 if config.q_lora_rank is None else config.q_lora_rank + config.page_width


def latent_at(config: DeepseekV2Config) -> int:
    """Return the column where the latent of the keys and values begins."""
    return _query_rows(config) if config.q_lora_rank is None else config.q_lora_rank


def _query_rows(config: DeepseekV2Config) -> int:
    return config.num_attention_heads * (config.qk_nope_head_dim + config.qk_rope_head_dim)


def _plan_attention(c: DeepseekV2Config, plan: PlanBuilder, layer: int, name: str) -> None:
    attention = name + "self_attn."
    latent = plan.load(Part(attention + "kv_a_proj_with_mqa", c.page_width, at_least="int8"), c.hidden_size)
    norm = name + "input_layernorm.weight"
    if c.q_lora_rank is None:
        query = plan.load(Part(attention + "q_proj", _query_rows(c)), c.hidden_size)
        plan.norm(Kind.NORM, norm, c.hidden_size, c.rms_norm_eps, query, latent)
        plan.product([query, latent])
    else:
        down = plan.load(Part(attention + "q_a_proj", c.q_lora_rank, at_least="int8"), c.hidden_size)
        query = plan.load(Part(attention + "q_b_proj", _query_rows(c)), c.q_lora_rank)
        plan.norm(Kind.NORM, norm, c.hidden_size, c.rms_norm_eps, down, latent)
        plan.product([down, latent])
        plan.norm(Kind.NORM_QUERY, attention + "q_a_layernorm.weight", c.q_lora_rank, 0.0, query)
        plan.product([query], first_column=query_at(c))
    out = plan.load(Part(attention + "o_proj", c.hidden_size), c.num_attention_heads * c.v_head_dim)
    plan.latent_attention(c, layer, attention, out)
    plan.add_product(out)
    plan.end_sublayer()


def _plan_experts(c: DeepseekV2Config, plan: PlanBuilder, name: str) -> None:
    mlp = name + "mlp."
    experts = [
        _load_mlp(plan, f"{mlp}experts.{e}.", c.hidden_size, c.moe_intermediate_size) for e in range(c.n_routed_experts)
    ]
    _plan_norm(c, plan, name, experts[0][0])
    plan.experts(mlp + "gate.weight", (c.n_routed_experts, c.hidden_size), experts)
    if width := c.moe_intermediate_size * c.n_shared_experts:
        plan.mlp(*_load_mlp(plan, mlp + "shared_experts.", c.hidden_size, width))


def _plan_norm(c: DeepseekV2Config, plan: PlanBuilder, name: str, reader: Weights) -> None:
    plan.norm(Kind.NORM, name + "post_attention_layernorm.weight", c.hidden_size, c.rms_norm_eps, reader)


def _load_mlp(plan: PlanBuilder, name: str, hidden: int, width: int) -> tuple[Weights, Weights, Weights]:
    gate, up = (plan.load(Part(f"{name}{part}_proj", width), hidden) for part in ("gate", "up"))
    return gate, up, plan.load(Part(name + "down_proj", hidden), width)
