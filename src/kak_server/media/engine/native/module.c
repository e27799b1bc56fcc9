/* kak_server.media.engine._native */
#include "native.h"

#define API 3 /* native.API */

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "The media worker's engine in C.",
    .m_size = -1,
};

static PyObject *py_encode(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *name;
    Py_buffer samples;
    Law law;
    if (!PyArg_ParseTuple(args, "Oy*:encode", &name, &samples))
        return NULL;
    PyObject *companded = NULL;
    if (g711_law(name, &law) == 0)
        companded = PyBytes_FromStringAndSize(NULL, samples.len / 2);
    if (companded != NULL)
        g711_encode(law, samples.buf, samples.len / 2, (uint8_t *)PyBytes_AS_STRING(companded));
    PyBuffer_Release(&samples);
    return companded;
}

static PyMethodDef functions[] = {
    {"encode", py_encode, METH_VARARGS, "encode(law, samples): g711.encode, for tests."},
    {NULL},
};

PyMODINIT_FUNC PyInit__native(void)
{
    static struct {
        const char *name;
        PyTypeObject *type;
    } const types[] = {
        {"Player", &PlayerType}, {"Intake", &IntakeType}, {"Poller", &PollerType}, {"Stream", &StreamType},
        {"Board", &BoardType},   {"Tape", &TapeType},
    };
    g711_init();
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    for (size_t at = 0; at < sizeof types / sizeof *types; at++) {
        if (PyType_Ready(types[at].type) < 0 ||
            PyModule_AddObjectRef(module, types[at].name, (PyObject *)types[at].type) < 0) {
            Py_DECREF(module);
            return NULL;
        }
    }
    if (PyModule_AddIntConstant(module, "API", API) < 0 || PyModule_AddFunctions(module, functions) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
