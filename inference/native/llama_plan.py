"""The plan of a llama-like model: what inference/models/llama.py computes."""

from inference.models.llama_config import LlamaConfig
from inference.native.plan_builder import Part, PlanBuilder
from kernels.cpu.plan import Kind


def plan_llama(config: LlamaConfig, plan: PlanBuilder) -> None:
    """Append the layers. The keys keep the released order of a head, whose pairs are half a head apart."""
    c = config
    queries, keys = c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
    for layer in range(c.num_hidden_layers):
        name = f"model.layers.{layer}."
        form = c.layer_form
        qkv = [
            plan.load(Part(f"{name}self_attn.{part}", rows, c.qkv_bias, at_least), c.hidden_size)
            for part, rows, at_least in (("q_proj", queries, form), ("k_proj", keys, "int5"), ("v_proj", keys, "int5"))
        ]
        out = plan.load(Part(f"{name}self_attn.o_proj", c.hidden_size, at_least=form), queries)
        plan.norm(Kind.NORM, f"{name}input_layernorm.weight", c.hidden_size, c.rms_norm_eps, qkv[0])
        plan.product(qkv)
        plan.attention(Kind.ROTATE_KV, layer)
        if layer == c.num_hidden_layers - 1:
            plan.keep_rows()
        plan.attention(Kind.ATTEND_KV, layer)
        plan.attention(Kind.MIX_KV, layer, out)
        plan.add_product(out)
        plan.end_sublayer()
        gate, up = (
            plan.load(Part(f"{name}mlp.{part}_proj", c.intermediate_size, at_least=form), c.hidden_size)
            for part in ("gate", "up")
        )
        down = plan.load(Part(f"{name}mlp.down_proj", c.hidden_size, at_least=form), c.intermediate_size)
        plan.norm(Kind.NORM, f"{name}post_attention_layernorm.weight", c.hidden_size, c.rms_norm_eps, gate)
        plan.mlp(gate, up, down)
        plan.end_sublayer()
