/* G.711 (ITU-T G.711, tables 1 and 2): the segment rule of g711.py, computed instead of looked up in 64 KiB a law. */
#include "native.h"

#define A_INVERT 0x55
#define MU_BIAS 132
#define MU_CLIP 32635

int16_t g711_decoded[LAWS][256];
uint8_t g711_transcoded[LAWS][256];
uint8_t g711_faded[LAWS][FADES][256];
const uint8_t g711_silence[LAWS] = {0xd5, 0xff};

static const double FADE[FADES] = {0.8, 0.5, 0.25}; /* players._FADE */

static int highest_bit(unsigned int value) { return 31 - __builtin_clz(value); }

static uint8_t encode_a(int sample)
{
    int magnitude = sample >= 0 ? sample : -sample - 1;
    int code = magnitude >> 4;
    if (magnitude >= 512) {
        int segment = highest_bit((unsigned int)magnitude) - 7;
        code = (segment << 4) | ((magnitude >> (segment + 3)) & 15);
    } else if (magnitude >= 256) {
        code = 16 | ((magnitude >> 4) & 15);
    }
    return (uint8_t)((sample >= 0 ? code | 0x80 : code) ^ A_INVERT);
}

static uint8_t encode_mu(int sample)
{
    int magnitude = sample >= 0 ? sample : -sample;
    if (magnitude > MU_CLIP)
        magnitude = MU_CLIP;
    magnitude += MU_BIAS;
    int segment = highest_bit((unsigned int)magnitude) - 7;
    int code = (segment << 4) | ((magnitude >> (segment + 3)) & 15);
    return (uint8_t)((sample >= 0 ? 255 : 127) - code);
}

void g711_encode(Law law, const int16_t *samples, Py_ssize_t count, uint8_t *out)
{
    if (law == PCMA)
        for (Py_ssize_t at = 0; at < count; at++)
            out[at] = encode_a(samples[at]);
    else
        for (Py_ssize_t at = 0; at < count; at++)
            out[at] = encode_mu(samples[at]);
}

static int16_t decode_a(int companded)
{
    int code = companded ^ A_INVERT, segment = (code >> 4) & 7, step = code & 15;
    int edge = segment == 0 ? step << 4 : (step + 16) << (segment + 3);
    int middle = edge + (segment == 0 ? 8 : 8 << (segment - 1));
    return (int16_t)(code & 0x80 ? middle : -middle);
}

static int16_t decode_mu(int companded)
{
    int code = ~companded & 0x7f;
    int middle = (((code & 15) << 3) + MU_BIAS) << (code >> 4);
    return (int16_t)(companded & 0x80 ? middle - MU_BIAS : MU_BIAS - middle);
}

void g711_init(void)
{
    for (int code = 0; code < 256; code++) {
        g711_decoded[PCMA][code] = decode_a(code);
        g711_decoded[PCMU][code] = decode_mu(code);
    }
    for (int code = 0; code < 256; code++) {
        g711_transcoded[PCMA][code] = encode_mu(g711_decoded[PCMA][code]);
        g711_transcoded[PCMU][code] = encode_a(g711_decoded[PCMU][code]);
        for (int law = 0; law < LAWS; law++) {
            for (int step = 0; step < FADES; step++) {
                int16_t faded = (int16_t)((double)g711_decoded[law][code] * FADE[step]);
                g711_encode((Law)law, &faded, 1, &g711_faded[law][step][code]);
            }
        }
    }
}

int g711_law(PyObject *name, Law *law)
{
    if (PyUnicode_Check(name)) {
        if (PyUnicode_CompareWithASCIIString(name, "PCMA") == 0) {
            *law = PCMA;
            return 0;
        }
        if (PyUnicode_CompareWithASCIIString(name, "PCMU") == 0) {
            *law = PCMU;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "no such law: %R", name);
    return -1;
}

PyObject *g711_law_name(Law law) { return PyUnicode_InternFromString(law == PCMA ? "PCMA" : "PCMU"); }

int g711_peak(Law law, const uint8_t *companded, Py_ssize_t bytes)
{
    int peak = 0;
    for (Py_ssize_t at = 0; at < bytes; at++) {
        int sample = g711_decoded[law][companded[at]];
        int magnitude = sample < 0 ? -sample : sample;
        if (magnitude > peak)
            peak = magnitude;
    }
    return peak;
}
