"""The ground floor: what one pair of answers says about slippage. Pure: no sockets, no clocks, no globals."""
