// Compares the products and norms of one instruction set, which the compiler is told, with plain loops.
#include <initializer_list>

#include "check.h"
#include "norm.h"
#include "products.h"
#include "state.h"

using namespace midspan;
using namespace midspan::MIDSPAN_ISA;

namespace {

constexpr int MOST_WEIGHT_ROWS = 88;
constexpr int BLOCKS = 6;
constexpr int INPUT_ROWS = MOST_ROWS_AT_ONCE + 2;
constexpr int MOST_COLUMNS = 512;

float bias[MOST_WEIGHT_ROWS];
float row_scale[BLOCKS * BLOCK_ROWS], row_offset[BLOCKS * BLOCK_ROWS];
double weights[BLOCKS * BLOCK_ROWS][MOST_COLUMNS];  // as the codes mean them
uint8_t codes[BLOCKS * BLOCK_ROWS * MOST_COLUMNS * 4];

InputMemory memory;
Input input;

void fill_int8(int64_t columns) {
    int64_t width = round_up(columns, TILE_COLUMNS);
    for (int64_t row = 0; row < BLOCKS * BLOCK_ROWS; ++row) {
        for (int64_t k = 0; k < width; ++k) {
            int code = check::whole(-127, 127);
            int64_t at = row / BLOCK_ROWS * BLOCK_ROWS * width + k / 4 * 4 * BLOCK_ROWS + row % BLOCK_ROWS * 4 + k % 4;
            codes[at] = static_cast<uint8_t>(code + 128);
            weights[row][k] = static_cast<double>(row_scale[row]) * code;
        }
    }
}

void fill_groups(int64_t columns, bool has_fifth) {
    const int64_t tile_bytes = has_fifth ? TILE_INT5_BYTES : TILE_INT4_BYTES;
    int64_t tiles = round_up(columns, TILE_COLUMNS) / TILE_COLUMNS;
    for (int64_t row = 0; row < BLOCKS * BLOCK_ROWS; ++row) {
        for (int64_t group = 0; group < 2 * tiles; ++group) {
            uint8_t* tile = codes + (row / BLOCK_ROWS * tiles + group / 2) * tile_bytes;
            uint8_t* numbers = tile + tile_bytes - 64 + group % 2 * 32 + row % BLOCK_ROWS;
            uint8_t scale = numbers[0] = static_cast<uint8_t>(check::whole(0, 255));
            uint8_t offset = numbers[BLOCK_ROWS] = static_cast<uint8_t>(check::whole(0, 255));
            for (int k = 0; k < GROUP; ++k) {
                int64_t vector = group % 2 * 4 + k % 16 / 4, at = row % BLOCK_ROWS * 4 + k % 4;
                int code = check::whole(0, has_fifth ? 31 : 15), low = code & 15, high = k / 16;
                uint8_t& byte = tile[vector * 64 + at];
                byte = static_cast<uint8_t>(high ? (byte & 15) | low << 4 : (byte & 0xf0) | low);
                if (has_fifth) {
                    uint8_t& bits = tile[512 + 16 * vector + 8 * high + at / 8];
                    bits = static_cast<uint8_t>((bits & ~(1 << at % 8)) | (code >> 4) << at % 8);
                }
                weights[row][group * GROUP + k] =
                    static_cast<double>(row_scale[row]) * scale * code - static_cast<double>(row_offset[row]) * offset;
            }
        }
    }
}

void fill_wide(int64_t columns, int32_t form) {
    for (int64_t row = 0; row < MOST_WEIGHT_ROWS; ++row) {
        for (int64_t k = 0; k < columns; ++k) {
            float value = check::number();
            int64_t at = row * columns + k;
            if (form == WIDE_BF16) {
                reinterpret_cast<bf16*>(codes)[at] = narrow(value);
                weights[row][k] = widen(narrow(value));
            } else {
                reinterpret_cast<float*>(codes)[at] = value;
                weights[row][k] = value;
            }
        }
    }
}

// Fills the input's rows, quantizes them, and checks the codes.
void fill_input(int64_t columns) {
    memory.reserve(INPUT_ROWS, MOST_COLUMNS, &input);
    for (int64_t row = 0; row < INPUT_ROWS; ++row) {
        float* x = input.wide + row * input.width;
        for (int64_t k = 0; k < input.width; ++k) {
            x[k] = k < columns ? check::number() * (row == 3 ? 1000.f : 1.f) : NAN;
            if (row == 4 && k < GROUP) x[k] = 0;
        }
        std::memset(input.codes + row * input.width, 99, static_cast<size_t>(input.width));
        write_row(input, row, columns, true);
        for (int64_t k = 0; MULTIPLIES_BF16 && k < columns; ++k) {
            check::equal("a rounded float", input.narrow[row * input.width + k], narrow(x[k]));
        }
        for (int64_t k = 0; k < round_up(columns, TILE_COLUMNS); ++k) {
            int64_t at = row * input.width + k;
            float scale = input.scale[at / GROUP];
            if (k >= columns) {
                check::equal("a code past the columns", input.codes[at], 0);
            } else {
                check::near("a code", static_cast<double>(scale) * input.codes[at], x[k], 0.501 * scale);
            }
            if (k % GROUP) continue;
            int total = 0;
            for (int i = 0; i < GROUP; ++i) total += input.codes[at + i];
            check::equal("where the sums of a group begin", input.start[at / GROUP], -INT8_OFFSET * total);
            check::near("the scaled sum of a group", input.scaled_sum[at / GROUP], total * scale, 1e-3 * scale);
        }
    }
}

void check_product(int32_t form, int weight_rows, int64_t columns, bool has_bias) {
    bool quantized = form == INT8 || form == INT4 || form == INT5;
    for (int row = 0; row < BLOCKS * BLOCK_ROWS; ++row) {
        row_scale[row] = check::number() * 0.01f, row_offset[row] = check::number() * 0.01f;
    }
    for (float& value : bias) value = check::number();
    if (form == INT8) fill_int8(columns);
    if (form == INT4 || form == INT5) fill_groups(columns, form == INT5);
    if (!quantized) fill_wide(columns, form);
    Matrix matrix{};
    matrix.codes = codes, matrix.scale = row_scale, matrix.offset = row_offset;
    matrix.bias = has_bias ? bias : nullptr;
    matrix.form = form, matrix.rows = weight_rows, matrix.columns = static_cast<int32_t>(columns);
    float out[MOST_ROWS_AT_ONCE + 1][UNIT_ROWS], part[ROWS_AT_ONCE][UNIT_ROWS];
    for (int rows = 1; rows == pass_of(matrix, 0, rows).count; ++rows) {
        for (int unit = 0; unit * UNIT_ROWS < weight_rows; ++unit) {
            int64_t first = INPUT_ROWS - rows;
            int left = weight_rows - unit * UNIT_ROWS, count = left < UNIT_ROWS ? left : UNIT_ROWS;
            out[rows][0] = 7;
            multiply_unit_rows(matrix, unit, input, first, Pass{0, rows, rows}, out);
            check::equal("a product past its rows", out[rows][0], 7);
            for (int64_t before = 0; before <= ROWS_AT_ONCE; before += ROWS_AT_ONCE) {
                int some = rows < ROWS_AT_ONCE ? rows : ROWS_AT_ONCE;
                multiply_unit_rows(matrix, unit, input, first, Pass{before, some, 2 * ROWS_AT_ONCE}, part);
                for (int m = 0; m < some; ++m) {
                    for (int n = 0; n < count; ++n) check::equal("a product in one of several passes", part[m][n], out[m][n]);
                }
            }
            for (int m = 0; m < rows; ++m) {
                for (int n = 0; n < count; ++n) {
                    int row = unit * UNIT_ROWS + n;
                    double wanted = has_bias ? bias[row] : 0, size = 0;
                    for (int64_t k = 0; k < columns; ++k) {
                        int64_t at = (first + m) * input.width + k;
                        double x = quantized ? static_cast<double>(input.scale[at / GROUP]) * input.codes[at] : input.wide[at];
                        if (MULTIPLIES_BF16 && form == WIDE_BF16) x = widen(input.narrow[at]);
                        wanted += weights[row][k] * x;
                        size += std::fabs(weights[row][k] * x);
                    }
                    check::near("a product", out[m][n], wanted, 1e-5 * size + 1e-6);
                }
            }
        }
    }
}

void check_rows(int64_t width) {
    static float x[MOST_COLUMNS], y[MOST_COLUMNS], out[MOST_COLUMNS + 1];
    double squares = 0;
    for (int64_t k = 0; k < width; ++k) x[k] = check::number() * 8, y[k] = check::number(), squares += x[k] * x[k];
    out[width] = 7;
    rmsnorm_row(x, y, width, 1e-6f, out);
    double inverse = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-6);
    for (int64_t k = 0; k < width; ++k) check::near("rmsnorm", out[k], x[k] * inverse * y[k], 1e-6);
    gate_row(x, y, width, out);
    for (int64_t k = 0; k < width; ++k) check::near("a gated row", out[k], x[k] / (1 + std::exp(-x[k])) * y[k], 5e-6);
    std::memcpy(out, y, static_cast<size_t>(width) * sizeof(float));
    add_row(x, width, out);
    for (int64_t k = 0; k < width; ++k) check::near("an added row", out[k], x[k] + y[k], 1e-6);
    check::equal("a row past its width", out[width], 7);
}

}  // namespace

int main() {
    for (int64_t columns : {64, 96, 100, 128, 416, 512}) {
        fill_input(columns);
        for (int32_t form : {WIDE_F32, WIDE_BF16, INT8, INT4, INT5}) {
            check_product(form, 72, columns, false);  // the last unit has half a block
            check_product(form, MOST_WEIGHT_ROWS, columns, true);  // the last unit has a block and a half
        }
    }
    for (int64_t width : {1, 2, 16, 30, 64, 100, 511}) check_rows(width);
    return check::report();
}
